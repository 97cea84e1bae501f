"""The words of a channel, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records import SegmentText, SpeechSpan, Word


@dataclass(frozen=True, slots=True)
class Said:
    """A word of a segment."""

    key: str
    """Without case and punctuation; words of signs alone are their own key."""
    start_s: float
    end_s: float
    segment: tuple[int, int]
    """Channel and ordinal."""
    place: int
    """In the segment's text."""

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


def timed(segment: SegmentText) -> bool:
    """Whether the recogniser gave times for the words of the text, or wrote none."""
    return not segment.text or _words_by_place(segment) is not None


def said_in(segment: SegmentText, speech: Sequence[SpeechSpan] | None) -> list[Said]:
    """The words in order; where the recogniser gave no times, spread over the segment's speech by their length."""
    texts = segment.text.split()
    by_place = _words_by_place(segment)
    if by_place is not None:
        spans: list[SpeechSpan] = [(words[0].start_s, words[-1].end_s) for words in by_place]
    else:
        spans = _spread(texts, speech or [(segment.start_s, segment.end_s)])
    identity = (segment.channel, segment.ordinal)
    return [
        Said(_key(text), *span, identity, index) for index, (text, span) in enumerate(zip(texts, spans, strict=True))
    ]


def times_at(segment: SegmentText, places: Sequence[int]) -> tuple[Word, ...] | None:
    """The recogniser's words at these places of the text, in order; None where they are not known."""
    by_place = _words_by_place(segment)
    if by_place is None:
        return None
    return tuple(dict.fromkeys(word for index in places for word in by_place[index]))


def _words_by_place(segment: SegmentText) -> list[list[Word]] | None:
    """For each word of the text, the recogniser's words it is made of: it may take `15%.` for two (`15`, `%.`).

    None without words, or where they spell another text.
    """
    texts = segment.text.split()
    spelled = [word for word in segment.words or () for letter in word.text if not letter.isspace()]
    letters = [letter for word in segment.words or () for letter in word.text if not letter.isspace()]
    if segment.words is None or letters != list("".join(texts)):
        return None
    by_place: list[list[Word]] = []
    first = 0
    for text in texts:
        by_place.append(list(dict.fromkeys(spelled[first : first + len(text)])))
        first += len(text)
    return by_place


def _key(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum()) or text


def _spread(texts: Sequence[str], speech: Sequence[SpeechSpan]) -> list[SpeechSpan]:
    total_s = sum(end - start for start, end in speech)
    letters = sum(len(text) + 1 for text in texts)
    spans: list[SpeechSpan] = []
    passed = 0
    for text in texts:
        start = _moment(speech, total_s * passed / letters)
        passed += len(text) + 1
        spans.append((start, max(start, _moment(speech, total_s * passed / letters))))
    return spans


def _moment(speech: Sequence[SpeechSpan], spoken_s: float) -> float:
    """When that many seconds have been spoken."""
    for start, end in speech:
        if spoken_s <= end - start:
            return start + spoken_s
        spoken_s -= end - start
    return speech[-1][1]
