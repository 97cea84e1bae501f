"""The sentences of a call with their moments: cut where sentences end, also where a transcript has no punctuation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.calls import in_order
from analysis.clauses.cutting import clause_spans, pauses_of
from analysis.clauses.gaps import class_of
from analysis.records import SummaryEvidence, SummaryPart
from analysis.text import stop_words, words
from pipeline.records import Role, TranscriptChunk

_MARK = re.compile(r"\[[^\]]*\]|<[^>]*>")
_ENDS = re.compile(r"[.!?…][\"'”’) ]*$")
# A chunk that ends with one of these goes on in the next: "my" "debit card".
_GOES_ON = re.compile(
    r"\b(?:a|an|the|my|your|our|his|her|their|to|of|from|for|with|at|in|on|by|and|or|but|is|was|are|were|if|because|i|we"
    r"|uh|um|er|its|it's|i'm)[,]?$",
    re.IGNORECASE,
)
_LOOK_BACK = 60
_LONGEST_LEAD = 200
"""Characters: what leads up to a sentence, or binds it to the one before, is near to it."""
_BRIEF = 4
_BREAK_S = 3.0
"""Without any punctuation, pieces of up to so many words, so many seconds apart, are one answer said in pieces."""
_STANDS_ALONE = frozenset(
    word
    for line in (
        "hi hello hey yes yeah yep no nope okay ok alright right sure thanks thank bye goodbye great good fine well",
        "can could would is are do does how what which when where who why i i'd i'm i've i'll you your it that we they",
    )
    for word in line.split()
)
# What comes before the point of a sentence; it is no part of the quote.
_LEAD = re.compile(
    r"(?:\[[^\]]*\]\s*)*(?:(?:uh|um|er|erm|ah|oh|okay|ok|alright|all right|right|well|so|yeah|now(?! it\b)|hi|hello|hey"
    r"|good (?:morning|afternoon|evening)|(?:thank you|thanks)(?! (?:for|so|very|a|again)\b)|great|perfect|lovely"
    r"|certainly|of course|sure|and|but|then|yes,? please(?=,)|no problem|i see(?=[,.]|$| so\b)"
    r"|honestly|good news|got it"
    r"|my name is (?:\w+ ){1,3}and(?= i\b)"
    r"|(?:(?:that is|that's) )?(?:no problem|fine|great|okay|good)(?: at all)?(?=[,.])"
    r"|my pleasure(?=[,.])|(?:i am|i'm) (?:so |very )?(?:happy|glad|sorry) to hear that(?=[,.])"
    r"|i understand(?=[,.]| (?:what|when|where|how) (?:is|are|was|do|does|did)\b))\b"
    r"(?:,? (?:mr|mrs|ms|miss|dr|mister)\.? \w+(?=[,.!]))?"
    r"(?:,? (?-i:[A-Z])\w+(?=[,.!])| there\b(?!['’])| sir\b| madam\b| ma'am\b)?"
    r"[\s,.!–—-]*)+",
    re.IGNORECASE,
)
# "and to", "and the amount": a question, as long as it keeps its "and".
_SHORT_AND = re.compile(r"and(?: [\w'’]+){1,4}\W*", re.IGNORECASE)
_LAST_AND = re.compile(r"\band\W*$", re.IGNORECASE)
_TRAIL = re.compile(r"(?:[\s,]+(?:uh|um|er|erm|and|so|but))+[\s,]*$", re.IGNORECASE)
# Without a question mark a sentence asks if it begins so.
_ASKS = re.compile(
    r"(?:and |so |okay |uh |um )*(?:what|which|how (?:much|many|long|soon|do|can|may)|when|where|who|why|do you|did you"
    r"|does|is there|are you|can you|could you|can i|could i|may i|would you|will you|have you|is that|is it"
    r"|anything else|(?:and |at |from |to |on |for |in )+(?:what|which|how|when|where)"
    r"|and (?:to|from|at|on|for|in|the|your)(?=[^.!?]{0,24}$))\b[^.!?]*$",
    re.IGNORECASE,
)
# With a full stop it still asks where the verb stands before its subject: "What is the best number to call you."
_INVERTED = re.compile(
    r"(?:(?:and |so )*(?:what|which|when|where|how|who|why)"
    r" (?:is|are|was|were|do|does|did|can|could|will|would|should)\b"
    r"|(?:and |so )*(?:may|can|could|shall|should) (?:i|we|you)\b"
    r"|(?:.{1,80}(?:,|\band) )?(?:do|did|have|are|were|would) you\b"
    r"|(?:and |so )*is (?:there|that|this|it)\b)[^.!?]*\.?$",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Whether it is a question, by its mark or by how it begins."""
    text = text.rstrip(" \"'”")
    return text.endswith("?") or _ASKS.match(text) is not None or _INVERTED.match(text) is not None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of one side."""

    text: str
    """Verbatim, without `[noise]` and the "okay, so" it begins with."""
    role: Role
    channel: int
    chunk: int
    """Ordinal of the chunk it begins in."""
    start_s: float
    end_s: float
    turn: int
    """Number of the turn it is in; a turn ends where the other side speaks."""
    breaks_off: bool = False
    """In a call with marks: the last of its stretch, without one, that ends with a function word or a bare verb."""

    @property
    def asks(self) -> bool:
        return asks(self.text)

    def evidence(self, part: SummaryPart) -> SummaryEvidence:
        return SummaryEvidence(
            part=part,
            text=self.text,
            role=self.role,
            start_s=self.start_s,
            end_s=self.end_s,
            channel=self.channel,
            chunk=self.chunk,
        )


def sentences_of(chunks: Sequence[TranscriptChunk]) -> list[Sentence]:
    """In order of time; those without a word left out."""
    found: list[Sentence] = []
    turn, last_channel = -1, -1
    marked = 2 * sum(_ENDS.search(chunk.text) is not None for chunk in chunks) > len(chunks)
    for joined in _stretches(in_order(chunks)):
        if joined.channel != last_channel:
            turn, last_channel = turn + 1, joined.channel
        spans = _spans(joined.text, joined.pauses)
        for start, end in spans:
            text = " ".join(_MARK.sub(" ", joined.text[start:end]).split())
            if words(text):
                first, start_s = joined.moment(start)
                _, end_s = joined.moment(end, at_end=True)
                breaks_off = marked and end == spans[-1][1] and _breaks_off(text)
                found.append(
                    Sentence(text, joined.role, joined.channel, first.ordinal, start_s, end_s, turn, breaks_off)
                )
    return found


def _breaks_off(text: str) -> bool:
    last = words(text)[-1]
    return not _ENDS.search(text) and (last in stop_words("en") or class_of(last) == "verb")


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Chunks of one channel of which each but the last breaks off in the midst of a sentence."""

    chunks: tuple[TranscriptChunk, ...]

    @property
    def channel(self) -> int:
        return self.chunks[0].channel

    @property
    def role(self) -> Role:
        return self.chunks[0].role

    @property
    def text(self) -> str:
        return " ".join(chunk.text for chunk in self.chunks)

    @property
    def pauses(self) -> list[int]:
        """Places in the text at which a word ends that a pause follows."""
        found, begin = [], 0
        for chunk in self.chunks:
            found += [begin + offset for offset in pauses_of(chunk.text, chunk.words or ())]
            begin += len(chunk.text) + 1
        return found

    def moment(self, offset: int, *, at_end: bool = False) -> tuple[TranscriptChunk, float]:
        """The chunk that holds this place of the text, and when the word there begins or ends."""
        begin = 0
        for chunk in self.chunks:
            if offset < begin + len(chunk.text) or (at_end and offset <= begin + len(chunk.text)):
                return chunk, _time_in(chunk, offset - begin, at_end=at_end)
            begin += len(chunk.text) + 1
        return self.chunks[-1], self.chunks[-1].end_s


def _time_in(chunk: TranscriptChunk, offset: int, *, at_end: bool) -> float:
    """By the word at the place, where the words are those of the text; else the bound of the chunk."""
    until = 0
    for word in chunk.words or ():
        said = word.text.strip()
        start = chunk.text.find(said, until)
        if start < 0 or chunk.text[until:start].strip():
            break
        until = start + len(said)
        if at_end and until >= offset:
            return word.end_s
        if not at_end and until > offset:
            return word.start_s
    return chunk.end_s if at_end else chunk.start_s


def _stretches(chunks: Sequence[TranscriptChunk]) -> list[_Stretch]:
    joined: list[_Stretch] = []
    unmarked = not any(chunk.text.rstrip().endswith((".", "?", "!")) for chunk in chunks)
    for chunk in chunks:
        if not words(chunk.text):
            continue
        last = joined[-1] if joined else None
        if last is not None and last.channel == chunk.channel and _goes_on(last, chunk, unmarked=unmarked):
            joined[-1] = _Stretch((*last.chunks, chunk))
        else:
            joined.append(_Stretch((chunk,)))
    return joined


def _goes_on(last: _Stretch, chunk: TranscriptChunk, *, unmarked: bool) -> bool:
    """Whether the chunk is more of the stretch's last sentence: "my" "debit card", "about two" "weeks ago."."""
    ending = _MARK.sub(" ", last.chunks[-1].text[-_LOOK_BACK:]).rstrip()
    if _GOES_ON.search(ending):
        return True
    if chunk.start_s - last.chunks[-1].end_s > _BREAK_S:
        return False
    if not unmarked:
        return not _ENDS.search(ending) and chunk.text.lstrip()[:1].islower()
    before, after = words(last.chunks[-1].text), words(chunk.text)
    return max(len(before), len(after)) <= _BRIEF and not _STANDS_ALONE & {before[0], after[0], after[-1]}


def _spans(text: str, pauses: Sequence[int]) -> list[tuple[int, int]]:
    """Where the sentences are in the text, without what leads up to each."""
    spans = []
    for begin, stop in clause_spans(text, pauses):
        lead = _LEAD.match(text, begin, min(stop, begin + _LONGEST_LEAD))
        after = lead.end() if lead else begin
        kept = _LAST_AND.search(text, begin, after)
        if kept and _SHORT_AND.fullmatch(text, kept.start(), stop):
            after = kept.start()
        trail = _TRAIL.search(text, max(after, stop - _LOOK_BACK), stop)
        before = trail.start() if trail else stop
        spans.append((after, before) if words(text[after:before]) else (begin, stop))
    return spans
