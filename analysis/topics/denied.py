"""Clauses that say what a call is not about: "I do not want to cancel, I only want …".

Most negation in calls states the very problem ("I can't log in", "it has not arrived", "no internet"), so only three
kinds are taken out: a wish denied, a reason denied, and that something is in order. English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from analysis.recordings import is_line_trouble
from analysis.text import content_stems, words

_BOUNDARY = re.compile(
    r"[,;:–—.]\s+|\s+-\s+"
    r"|\s+(?=(?:but|instead|rather|although|though)\b)"
    r"|(?<!\bthat)(?<!\bwhat)(?<!\bif)\s+(?=(?:i|we)(?:'d| would| just| only)? (?:just |only |really )?(?:want"
    r"|need|like)\b)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    # A wish denied; not "I don't want it any more" and not "I don't want to pay twice".
    r"\b(?:i|we|he|she|they) (?:really |certainly |definitely )?(?:do not|don't|would not|wouldn't) (?:really "
    r"|actually )?"
    r"(?:want|need|wish|intend|plan)\b(?! (?:to )?(?:be|pay|get|have to|see|lose|wait)\b)(?!.*\b(?:any ?more"
    r"|any longer)\b)"
    r"|\bwouldn't like\b|\bwon't be necessary\b|\bno need to\b"
    # A reason denied.
    r"|\bnot (?:calling|ringing|phoning|here (?:to|about|for)|ending|leaving|cancelling|canceling)\b"
    r"|\b(?:not|isn't|wasn't) (?:about|to do with|because of)\b"
    r"|^(?:it's|it is|this is|that's) not (?:a |an |the )?(?!\w+ing\b|right\b|fair\b|correct\b|true\b|there\b"
    r"|enough\b|good\b|"
    r"acceptable\b|possible\b|clear\b|mine\b|my\b|in\b|on\b|safe\b|secure\b|valid\b)\w+[.!]?$"
    r"|^(?:and |or )?not (?:the|a|an|about) \w+(?: \w+)?[.!]?$|\bor anything\b|\bquite the opposite\b"
    # Something is in order.
    r"|\b(?:works|working|is|are|'s|runs|running) (?:now |all |just |working |running )?"
    r"(?:fine|perfectly|in order|all right|alright|okay now|ok now)\b"
    r"|\b(?:nothing|neither|none of (?:it|them)) (?:is|was|are|were|got|has been|have been) (?:\w+ or )?"
    r"(?:broken|damaged|faulty|late|lost|missing|stolen|wrong)\b"
    r"|\beverything (?:is|'s|works) (?:running|working|good|okay|well)\b"
    r"|\bno (?:problems?|issues?|troubles?|complaints?) (?:with|at all|there)\b|\bnobody (?:has |have )?(?:used"
    r"|stole|took)\b"
    r"|^(?:and |but )?(?:that|it)(?: one)?(?:'s| has)? (?:already )?(?:arrived|came|been (?:solved|fixed|paid))[.!]?$",
    re.IGNORECASE,
)
_ANSWERS_NO = re.compile(r"^(?:(?:oh|well|uh|um),? )*(?:no|nope|nah|neither|not at all|not really)\b", re.IGNORECASE)
_ANSWERS_YES = re.compile(
    r"^(?:(?:oh|well|uh|um|and),? )*(?:yes|yeah|yep|yup|exactly|correct|right|that's right|that is right|sure"
    r"|please)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|no|never|neither|nor|nobody)\b|n't\b", re.IGNORECASE)
_NAMES_REASON = re.compile(
    r"\b(?:calling|ringing|phoning|call|this|it)\b.*\b(?:about|regarding)\b|\b(?:shall|should) (?:i|we)\b"
    r"|\bwould you like\b"
    r"|\bdo you (?:want|need|wish)\b|\bis (?:this|it) (?:a|an|the|your|for)\b|\b(?:is|has) your \w+(?: \w+)? (?:been )?"
    r"(?:down|broken|late|lost|stolen|missing)\b",
    re.IGNORECASE,
)
_BRIEF_WORDS = 4


def names_reason(text: str) -> bool:
    """Whether an agent's question names what the call may be about: "Is this about your bill?"."""
    return "?" in text and _NAMES_REASON.search(text) is not None


def answers_no(text: str) -> bool:
    return _ANSWERS_NO.match(text.strip()) is not None


def answers_yes(text: str) -> bool:
    return _ANSWERS_YES.match(text.strip()) is not None


def without_denied(sentence: str, question: str | None = None) -> tuple[str, tuple[str, ...]]:
    """What is left of a client's sentence, and the clauses that were taken out of it.

    Args:
        question: the agent's that it answers, where that names a reason: then "no" denies what the question named.
    """
    parts = [part.strip() for part in _BOUNDARY.split(sentence) if part and part.strip()]
    denies = question is not None and answers_no(sentence)
    asked = set(content_stems(question or "", "en"))
    kept: list[str] = []
    denied: list[str] = []
    for part in parts:
        out = _DENIED.search(part) is not None or (denies and _denies(part, asked))
        (denied if out else kept).append(part)
    return (", ".join(kept), tuple(denied)) if denied else (sentence, ())


def _denies(clause: str, asked: set[str]) -> bool:
    """After a "no": a brief clause with a negation, or one about what was asked."""
    if not _NEGATED.search(clause):
        return False
    return len(words(clause)) <= _BRIEF_WORDS or not asked.isdisjoint(content_stems(clause, "en"))


_DENIES = re.compile(
    r"\b(?:i|we|it|they)\b.{0,20}\b(?:did|does|do|was|is|has|have|had|wo|would|can|could)(?:n't| not|not)\b(?=\s\w)",
    re.IGNORECASE,
)


def with_common_words(said: Iterable[str], says_something: Callable[[str], bool]) -> Iterator[str]:
    """Sentences; what is denied in common words alone goes with the one before: "… a payment. I didn't make that"."""
    before = ""
    for sentence in said:
        if before and _DENIES.search(sentence) and not says_something(sentence) and not is_line_trouble(sentence):
            before = f"{before} {sentence}"
            continue
        if before:
            yield before
        before = sentence
    if before:
        yield before
