"""What a call asks for: the client's lines, and those of the agent that say it again.

In English, recordings, small talk, denied reasons and the agent's own offers are left out. In other languages every
line counts: the client's opening ones in full, later ones and the agent's less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.calls import NOBODY_SPEAKS, in_order
from analysis.recordings import is_line_trouble, is_misdialled, without_recordings
from analysis.text import content_stems, sentences, words
from analysis.topics.denied import answers_yes, names_reason, with_common_words, without_denied
from analysis.topics.further import announces_further, asks_what_else, begins_further, parts_of, requests
from pipeline.config.areas.language import KeywordTopicSettings
from pipeline.records import Role, TranscriptChunk

ENGLISH = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLine:
    """A sentence, or a whole chunk, that tells what the call is about."""

    text: str
    chunk: TranscriptChunk
    weight: float
    """1 for the client's opening lines, less for others."""
    reason: int = 0
    """0 for the first thing the client asks for, 1 from where he says that there is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    lines: tuple[AskedLine, ...]
    dialogue: str = ""
    """The opening of what both sides say, recordings left out; empty in other languages than English."""
    nothing_because: str | None = None
    """Why there are no lines."""


_AGAIN = re.compile(
    r"\b(?:so|i see|i understand|understood|if i understand|you mean|to confirm|let me confirm|in other words"
    r"|got it|okay|ok)\b"
    r".*\byou(?:'re|'d|'ve|r)?\b|^you(?:'d| would) like\b|^you(?:'re| are) (?:calling|locked|looking|waiting"
    r"|having|missing)\b"
    r"|^you (?:want|need|wish|lost|have lost|forgot|haven't|have not|can't|cannot)\b",
    re.IGNORECASE,
)
"""An agent says what the client wants. Questions that offer something ("would you like") do not begin so."""
_OFFERS = re.compile(
    r"\bwould you like\b|\bmay i\b|\bcan i\b|\bcould i\b|\bhave you (?:thought|heard|considered)\b"
    r"|\bwe (?:also )?offer\b"
    r"|\bby the way\b|\byou could\b|\byou can\b|\bbefore you go\b|\bthank(?:s| you) for\b|\bhow (?:may|can) (?:i|we)\b"
    r"|\banything else\b|\binterested in\b",
    re.IGNORECASE,
)
_THANKS_FOR = re.compile(
    r"\bthank(?:s| you)(?: (?:so|very) much| a lot)? for your (?:\w+ )?"
    r"(?:booking|cancellation|claim|complaint|deposit|enquiry|inquiry|order|payment|purchase|registration|report"
    r"|request|reservation|transfer)\b",
    re.IGNORECASE,
)
_FOR_SUCH = re.compile(
    r"^(?:\w+,? )?(for (?:an?|your|such an?) [^,]{3,60}), (?:i|we) (?:can|could|will|would|have)\b", re.IGNORECASE
)
"""An agent names what the client wants while he answers it: "For a bulk order of two hundred, I can …"."""
_ADDRESSES = re.compile(
    r"(?:(?i:hi|hello|hey|oh|okay|ok|thanks|thank you|cheers|bye|goodbye|good (?:morning|afternoon|evening)|morning"
    r"|no,? (?:that's|that is) (?:all|it|everything)|(?:that's|that is) (?:all|it|everything))[,.!]? ?)+"
    r"(?:(?:Mr|Mrs|Ms|Dr)\.? )?(?:[A-Z][\w'’-]+[,.!]* ?){0,2}"
)
"""Nothing but a greeting or thanks and a name: "Hello Marta", "Thanks, Mr Bell"."""
_GREETS = re.compile(
    r"\bhow (?:may|can|could) (?:i|we) (?:help|assist)\b|\bwhat can (?:i|we) do for you\b|\banything else\b"
    r"|\bthank(?:s| you) for (?:calling|waiting|holding|your)\b",
    re.IGNORECASE,
)
_ADVERTISES = re.compile(
    r"\bby the way\b|\bbefore you go\b|\bhave you (?:thought|heard|considered)\b|\bwe (?:are |'re )?(?:also )?offer"
    r"|\bmay i (?:tell|interest)\b|\bwhile i (?:do|have) (?:that|you)\b",
    re.IGNORECASE,
)
"""From here on the agent's turn is an offer of his own."""
_DONE = re.compile(
    r"^(?:\w+,? ){0,3}?(?:i(?:'ve| have|'ll| will)|we(?:'ve| have|'ll| will)) (?:now |just |already )?\w+"
    r"|\b(?:your|a new|the new) \w+(?: \w+){0,3} (?:is|are|has been|have been|will be)\b"
    r"|\b(?:has|have) been\b",
    re.IGNORECASE,
)
"""An agent says what is done."""
_CALLS_ABOUT = re.compile(
    r"\b(?:i'm|i am|we're|we are) (?:calling|ringing|phoning)\b(?=.*\b(?:about|because|regarding|to)\b)"
    r"|\bi(?:'d| would) like to (?:talk|speak) (?:to you )?about\b|\bi wanted to (?:talk|speak) (?:to you )?about\b",
    re.IGNORECASE,
)
"""An agent who calls says why."""
_CALLS_BACK = re.compile(
    r"\b(?:just )?(?:return(?:ing|ed)?|answer(?:ing)?|got|missed|had) (?:your|his|her|their|a|the|this) (?:missed )?"
    r"call\b",
    re.IGNORECASE,
)
"""Says that somebody called, not why."""
_NAMES_SOMEBODY = re.compile(
    r"\b(?:my name is|my name's)\s+\w+(?:\s(?!i\b|i'd\b|i'm\b|and\b|calling\b|from\b|i've\b)\w+)?"
    r"|\b(?i:this is|i'm|i am|it's|it is)\s+(?:(?:Mr|Mrs|Ms|Dr)\.?\s+)?[A-Z]\w+(?:\s[A-Z]\w+)*"
    r"(?: (?:from|of|at) [A-Z]\w+(?: and| [A-Z]\w+)*)?"
    r"|^[A-Z]\w+ [A-Z]\w+ here\b"
)
_ASKS_ON = re.compile(
    r"(?:(?:and|so|but|then|well|oh|okay|ok|great|good|fine|perfect|wonderful|thanks|thank you)[,.]? )*"
    r"(?:when|how (?:long|soon|much|many|fast|late|often)|what time|where|which|by when|until when)\b",
    re.IGNORECASE,
)
"""A client asks about the answer: when it comes, what it costs."""
_ASKS_SOMETHING = re.compile(r"\b(?:how|what|when|where|which|why|who|can|could|do|does|is|are)\b", re.IGNORECASE)
_ASKED_BY_THEN = 2
"""Turns of the client in which he has said why he calls."""
_RESTATED_WEIGHT = 0.7
_FILLERS = frozenset({"hm", "hmm", "uh-huh", "huh", "mm", "mhm", "mm-hm", "exact", "correct", "worri", "bye", "cheer"})
_FEWEST_STATED = 2
"""Words that carry meaning, for what an agent says to tell something of the topic."""
_FEWEST_WORDS = 4
"""A client's sentence of common words alone ("it won't let me in any more") is one that the agent may say again."""
_OPENING_WORDS = 80
"""Of the dialogue."""


def asked_in(chunks: Sequence[TranscriptChunk], language: str | None, settings: KeywordTopicSettings) -> Asked:
    """The lines of a call that tell its topic; none with the reason where nobody asks for anything.

    Args:
        chunks: those that are believed, in any order.
        language: ISO 639-1 code; None is taken for English.
    """
    ordered = [chunk for chunk in in_order(chunks) if words(chunk.text)]
    if not ordered:
        return Asked(lines=(), nothing_because=NOBODY_SPEAKS)
    if language not in (None, ENGLISH):
        return Asked(lines=tuple(_all_lines(ordered, language, settings)))
    if is_misdialled([chunk.text for chunk in ordered], [chunk.text for chunk in ordered if chunk.role == Role.CLIENT]):
        return Asked(lines=(), nothing_because="a wrong number: the caller wanted somebody else")
    spoken, recordings = without_recordings(ordered)
    if not spoken:
        return Asked(lines=(), nothing_because=f"there is nothing but {recordings[0].value}")
    if any(chunk.role == Role.CLIENT for chunk in spoken):
        lines = tuple(_dialogue(spoken, settings))
        # What the agent says is done shows a topic only beside what somebody asks for.
        if all(line.weight < _RESTATED_WEIGHT and line.chunk.role != Role.CLIENT for line in lines):
            lines = ()
        # "Where are you from?" has no word of its own, and an encoder may still know what it asks.
        lines = lines or tuple(_common_questions(spoken))
    else:
        # Where the client's words are lost, or nobody is known to be the client, everybody's tell the topic.
        lines = tuple(_everybodys(spoken, settings))
    if not lines:
        return Asked(lines=(), nothing_because="the caller does not say what the call is about")
    said = " ".join(chunk.text for chunk in spoken).split()
    return Asked(lines=lines, dialogue=" ".join(said[:_OPENING_WORDS]))


def _all_lines(
    chunks: Sequence[TranscriptChunk], language: str | None, settings: KeywordTopicSettings
) -> Iterator[AskedLine]:
    client_turns = 0
    roles = {chunk.role for chunk in chunks}
    for chunk in chunks:
        if not content_stems(chunk.text, language):
            continue
        weight = 1.0 if client_turns < settings.opening_turns else settings.later_weight
        if chunk.role == Role.CLIENT or Role.CLIENT not in roles:
            client_turns += 1
        else:
            weight *= settings.agent_weight
        yield AskedLine(text=chunk.text, chunk=chunk, weight=weight)


def _says_something(text: str) -> bool:
    if _ADDRESSES.fullmatch(text.strip()) or is_line_trouble(text):
        return False
    return any(stem not in _FILLERS for stem in content_stems(_plain(text), ENGLISH))


def _plain(sentence: str) -> str:
    """Without who speaks; what stood around it stays apart by a comma."""
    cut = _NAMES_SOMEBODY.sub(", ", sentence)
    cut = _CALLS_BACK.sub(", ", cut)
    return sentence if cut == sentence else ", ".join(part.strip() for part in cut.split(",") if part.strip(" .!?"))


def _everybodys(chunks: Sequence[TranscriptChunk], settings: KeywordTopicSettings) -> Iterator[AskedLine]:
    turns = 0
    for chunk in chunks:
        weight = 1.0 if turns < settings.opening_turns else settings.later_weight
        said = [
            kept
            for sentence in sentences(chunk.text)
            if _says_something(sentence) and not _GREETS.search(sentence)
            for kept in [without_denied(_plain(sentence))[0]]
            if content_stems(kept, ENGLISH)
        ]
        turns += bool(said)
        for text in said:
            yield AskedLine(text=text, chunk=chunk, weight=weight)


def _dialogue(chunks: Sequence[TranscriptChunk], settings: KeywordTopicSettings) -> Iterator[AskedLine]:
    """Lines of a call with a client and, mostly, an agent."""
    turns = reason = 0
    before: TranscriptChunk | None = None
    for number, chunk in enumerate(chunks):
        if chunk.role != Role.CLIENT:
            answer = next((later.text for later in chunks[number + 1 :] if later.role == Role.CLIENT), "")
            for text, again in _of_agent(chunk, answer, asked=turns > 0):
                weight = _RESTATED_WEIGHT if again else settings.agent_weight
                yield AskedLine(text=text, chunk=chunk, weight=weight, reason=reason)
            before = chunk
            continue
        invited = turns > 0 and before is not None and asks_what_else(before.text)
        settled = (
            turns > 0 and before is not None and any(_DONE.search(sentence) for sentence in sentences(before.text))
        )
        said = False
        for part, further in _of_client(chunk, before):
            if part is None:
                said = True
                continue
            if invited or (further and (said or turns > 0)) or (settled and requests(part)):
                reason, invited = 1, False
            said = True
            weight = 1.0 if turns < settings.opening_turns or reason else settings.later_weight
            if turns >= _ASKED_BY_THEN and not reason and _ASKS_ON.match(part):
                weight = min(weight, settings.later_weight)
            yield AskedLine(text=part, chunk=chunk, weight=weight, reason=reason)
        turns += said
        before = None


def _common_questions(chunks: Sequence[TranscriptChunk]) -> Iterator[AskedLine]:
    """The client's questions of common words alone."""
    for chunk in chunks:
        for sentence in sentences(chunk.text) if chunk.role == Role.CLIENT else ():
            asks = len(words(sentence)) >= _FEWEST_WORDS and _ASKS_SOMETHING.search(sentence)
            if asks and not is_line_trouble(sentence) and not _GREETS.search(sentence):
                yield AskedLine(text=sentence, chunk=chunk, weight=1.0)


def _of_client(chunk: TranscriptChunk, before: TranscriptChunk | None) -> Iterator[tuple[str | None, bool]]:
    """What the client's sentences ask for, and whether each announces a further reason.

    None for a sentence of common words alone ("it won't let me in any more"): the agent may say it again.
    """
    named = [sentence for sentence in sentences(before.text) if names_reason(sentence)] if before else []
    for sentence in with_common_words(sentences(chunk.text), _says_something):
        if not _says_something(sentence):
            if len(words(sentence)) >= _FEWEST_WORDS and not is_line_trouble(sentence):
                if announces_further(sentence) and _ASKS_SOMETHING.search(sentence):
                    yield sentence, True
                else:
                    yield None, False
            continue
        kept, _ = without_denied(_plain(sentence), named[-1] if named else None)
        for part in parts_of(kept):
            if content_stems(part, ENGLISH):
                yield part, begins_further(part)


def _of_agent(chunk: TranscriptChunk, answer: str, *, asked: bool) -> Iterator[tuple[str, bool]]:
    """What the agent says of what the client wants (True), or does about it.

    Args:
        answer: what the client says next.
        asked: whether the client has said anything yet.
    """
    for sentence in sentences(chunk.text):
        if _ADVERTISES.search(sentence):
            return
        if not _says_something(sentence):
            continue
        confirmed = names_reason(sentence) and "about" in sentence and answers_yes(answer)
        if _CALLS_ABOUT.search(sentence) or confirmed or (asked and _THANKS_FOR.search(sentence)):
            yield _plain(sentence), True
        elif asked and (such := _FOR_SUCH.search(sentence)):
            yield such[1], True
        elif not _OFFERS.search(sentence):
            again = asked and _AGAIN.search(sentence) is not None
            if again or _DONE.search(sentence) or (asked and _states(sentence)):
                yield _plain(sentence), again


def _states(sentence: str) -> bool:
    """Whether an agent says what is the matter: "There is a fault in your street"."""
    return not sentence.rstrip().endswith("?") and len(content_stems(_plain(sentence), ENGLISH)) >= _FEWEST_STATED
