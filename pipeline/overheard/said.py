"""The words of a channel, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records import SegmentText, SpeechSpan


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
    """Whether the recogniser gave a time for each word of the text."""
    return segment.words is not None and len(segment.words) == len(segment.text.split())


def said_in(segment: SegmentText, speech: Sequence[SpeechSpan] | None) -> list[Said]:
    """The words in order; where the recogniser gave no times, spread over the segment's speech by their length."""
    texts = segment.text.split()
    if segment.words is not None and timed(segment):
        spans: list[SpeechSpan] = [(word.start_s, word.end_s) for word in segment.words]
    else:
        spans = _spread(texts, speech or [(segment.start_s, segment.end_s)])
    identity = (segment.channel, segment.ordinal)
    return [
        Said(_key(text), *span, identity, place) for place, (text, span) in enumerate(zip(texts, spans, strict=True))
    ]


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
