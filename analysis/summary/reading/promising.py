"""Who says to do something later: an agent for the company, or a client for himself (English).

A promise has somebody in the call who answers for it, a deed, and a time after the call: commissives in the sense of
Searle 1969. None are questions, threats and conditions, what is proposed and not agreed, what is done while both are
on the line, and what the call tells as done before it ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.summary.reading.moments import by_when
from analysis.summary.reading.readings import POLITE, Reading, answer_to, question_before
from analysis.summary.reading.settling import only_if, says_yes, superseded
from analysis.summary.reading.wording import Act, acts_of
from pipeline.records import Role

# Where a second promise begins: "…, and I will send you the bill".
_NEXT = re.compile(
    r",?\s+(?:and|then)\s+"
    r"(?=(?:then )?(?:i|we|you|it|they|he|she|someone|(?:my|our|the|a|an) \w+(?: \w+)?)"
    r"(?:'ll|'re going| will| should)\b)",
    re.IGNORECASE,
)
_FALLBACK = re.compile(r",?\s+(?:and|but|or)\s+(?=(?:if|unless)\b)", re.IGNORECASE)
POINTS_BACK = re.compile(r"(?:it|they|that|this|he|she)\b", re.IGNORECASE)
"""A promise that names its thing in the words before it: "I'm sending a new router, and it'll be there by Saturday"."""
_OF_OTHERS = re.compile(r"(?:they|he|she)\b|.{0,30}\bgoing to\b", re.IGNORECASE)
_FOR_YOU = re.compile(r"\b(?:for|to|with) you\b|\b(?:send|text|e-?mail|give|show|get|bring) you\b", re.IGNORECASE)
_SAYS_YOU = re.compile(r"\byour?s?\b", re.IGNORECASE)
_OWN_ERRAND = re.compile(
    r"\bi(?:'ll| will)(?: just| then)? (?:[\w' ]{2,30} and )?(?:call|ring|phone|bring|pay|send|sign|return|confirm"
    r"|get back|let you know|post|write|e-?mail|upload|drop|fill|scan|transfer|forward|provide|deliver|arrange)\b",
    re.IGNORECASE,
)
_WILL = r"\b(?:(?:i|we)(?:'ll| will)(?: just| then)*|let me)"
_OWN_COMING = re.compile(rf"{_WILL} (?:come|be there|be in)\b", re.IGNORECASE)
_OWN_DEED = re.compile(
    rf"{_WILL} (?!(?:arrive|ask|be|buy|cancel|check|come|depart|do|fly|get|give|go|have|hold|just|keep|know|leave|look"
    r"|love|miss|need|never|not|pass|say|see|speak|start|stay|sue|switch|take|talk|tell|then|think|travel|try|understand"
    r"|use|visit|wait|want)\b)"
    rf"|{_WILL} (?:see|make sure|see to it) (?:that|the|it)\b|\byou(?:'ll| will) (?:get|have|receive)\b(?! to\b)",
    re.IGNORECASE,
)
"""Of a client who says when, or for whom: not where he goes, and not what he decides, thinks or threatens."""
_ASKS_FOR_NEWS = re.compile(
    r"\b(?:when|where|which|what|how|who|why)\b(?!.{0,20}\b(?:can|could|would|will) you\b)", re.IGNORECASE
)
_HANDS_OVER = re.compile(
    r"\b(?:i|we) (?:can|could) (?:get|send|bring|have|deliver|ship|post|call|ring|e-?mail)\b(?!.*\bor\b)", re.IGNORECASE
)
_HOLDS = re.compile(
    r"\b(?:(?<!in )(?:one|a|just a) (?:moment|second|minute|sec)|bear with me|hold (?:on|the line|please)|hang on"
    r"|please (?:hold|wait)|wait (?:a|one|here)\b)",
    re.IGNORECASE,
)  # fmt: skip
_CHECKS = re.compile(
    r"(?:is|are|was|would|will|does|do) (?:this|that|it|these|you|everything)\b.{0,30}"
    r"\b(?:ok|okay|all right|alright|right|correct|good|fine|works?|suits?|want|like|confirm)\b"
    r"|(?:ok|okay|right|correct|all right|alright|yes|cool)\W*$",
    re.IGNORECASE,
)
"""Asks whether what was just said is right."""
_FEWEST_SHARED = 2
"""Words that carry meaning, which the promise and what is told as done have in common."""
_NEXT_TURNS = 2


def promising_clauses(reading: Reading, readings: Sequence[Reading]) -> list[str]:
    """The clauses of a sentence that promise, verbatim; of a client the whole sentence."""
    if reading.sentence.asks or _is_conditional(reading) or superseded(reading, readings) or only_if(reading, readings):
        return []
    if not (reading.stems or reading.figures) or _done_meanwhile(reading, readings):
        return []
    if reading.sentence.role is Role.CLIENT:
        return [reading.text] if _is_own_errand(reading, readings) else []
    if reading.sentence.role is Role.UNKNOWN and not _is_told_to_somebody(reading):
        return []
    told = [
        clause
        for clause in _clauses(_without_cut_fallback(reading.text))
        if {Act.PROMISE, Act.NO_DEED} & acts_of(clause) == {Act.PROMISE}
    ]
    return told or ([reading.text] if _is_taken_up(reading, readings) else [])


def _is_conditional(reading: Reading) -> bool:
    """Whether all that is promised depends on something: not where only a second promise does ("…, and if not, …")."""
    return Act.CONDITION in acts_of(_FALLBACK.split(reading.text, maxsplit=1)[0])


def _without_cut_fallback(text: str) -> str:
    """Without "and if it fails" where what then happens was cut off into a sentence of its own."""
    first, *rest = _FALLBACK.split(text, maxsplit=1)
    return text if any(Act.PROMISE in acts_of(fallback) for fallback in rest) else first


def _is_told_to_somebody(reading: Reading) -> bool:
    """Among people of whom nobody knows who serves whom, plans and news are many: a promise says "you" or when."""
    of_others = Act.THREAT in reading.acts or _OF_OTHERS.match(reading.text) is not None
    return not of_others and (reading.names_moment or _SAYS_YOU.search(reading.text) is not None)


def _clauses(text: str) -> list[str]:
    """Each clause of its own; one that points back goes with the one before."""
    cuts = [match for match in _NEXT.finditer(text) if not POINTS_BACK.match(text, match.end())]
    starts, ends = [0, *(cut.end() for cut in cuts)], [*(cut.start() for cut in cuts), len(text)]
    return [clause for start, end in zip(starts, ends, strict=True) if (clause := text[start:end].strip())]


def _is_own_errand(reading: Reading, readings: Sequence[Reading]) -> bool:
    """What a client says to do later; what he answers to "when" or "how" is news."""
    text = reading.text.replace("’", "'")
    comes = by_when(text) and _OWN_COMING.search(text)
    does = (by_when(text) or _FOR_YOU.search(text)) and _OWN_DEED.search(text)
    if Act.THREAT in reading.acts or not (_OWN_ERRAND.search(text) or comes or does):
        return False
    question = question_before(reading, readings)
    return question is None or _ASKS_FOR_NEWS.search(question.text) is None


def _is_taken_up(reading: Reading, readings: Sequence[Reading]) -> bool:
    """An offer to bring or send by a day, to which the client says yes: "I can get them on the first van tomorrow"."""
    return reading.names_moment and _HANDS_OVER.search(reading.text) is not None and _agreed(reading, readings)


def _agreed(reading: Reading, readings: Sequence[Reading]) -> bool:
    return any(says_yes(after.text) or Act.DECISION in after.acts for after in answer_to(reading, readings))


def _done_meanwhile(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether the deed is done while the other waits, or before the call ends, or is proposed and not agreed."""
    later = [other for other in readings[reading.place + 1 :] if other.sentence.role is reading.sentence.role]
    results = [other for other in later if Act.RESULT in other.acts and not other.acts & POLITE]
    if _is_proposal(reading, readings):
        soon = reading.sentence.turn + _NEXT_TURNS
        return not _agreed(reading, readings) or any(other.sentence.turn <= soon for other in results)
    if reading.names_moment or reading.sentence.role is Role.CLIENT:
        return False
    near = [other for other in readings if abs(other.place - reading.place) <= 1]
    waits = any(_HOLDS.search(other.text) for other in near if other.sentence.turn == reading.sentence.turn)
    return waits or any(len(reading.stems & other.stems) >= _FEWEST_SHARED for other in results)


def _is_proposal(reading: Reading, readings: Sequence[Reading]) -> bool:
    """Whether it is asked right away whether that is right: "I'll book the table for six. Is that okay?"."""
    after = readings[reading.place + 1] if reading.place + 1 < len(readings) else None
    return after is not None and after.sentence.turn == reading.sentence.turn and _CHECKS.match(after.text) is not None
