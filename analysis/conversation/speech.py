"""When each side speaks, as exactly as the transcript tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.conversation.spans import merged
from analysis.text import words
from pipeline.records import Role, SpeechSpan, TranscriptChunk

PAUSE_S = 0.4
"""A shorter silence within what one side says belongs to its talk, as people count it (measured: decisions.md)."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech of one channel between two pauses."""

    channel: int
    role: Role
    start_s: float
    end_s: float
    text: str | None
    """None where its part of the chunk's words cannot be told."""
    language: str | None

    @property
    def span(self) -> SpeechSpan:
        return self.start_s, self.end_s


def speech_in(chunk: TranscriptChunk) -> tuple[SpeechSpan, ...] | None:
    """Where in the chunk somebody speaks.

    Transcripts of earlier versions kept no speech without padding: there the words' times serve, which are worse
    (measured: decisions.md). None where there are none either.
    """
    if chunk.speech is not None:
        return chunk.speech
    return tuple((word.start_s, word.end_s) for word in chunk.words) if chunk.words else None


def utterances(chunks: Sequence[TranscriptChunk], duration_s: float, language: str | None = None) -> list[Utterance]:
    """What is said, in order of time, up to the end of the call. Chunks without words say nothing.

    A chunk whose speech is not known counts from its start to its end: the order of what is said is the same.
    """
    said: list[Utterance] = []
    for chunk in (chunk for chunk in chunks if words(chunk.text)):
        known = speech_in(chunk)
        spans = _joined(((chunk.start_s, chunk.end_s),) if known is None else known, duration_s)
        said.extend(
            Utterance(
                channel=chunk.channel,
                role=chunk.role,
                start_s=span[0],
                end_s=span[1],
                text=chunk.text if len(spans) == 1 else _words_in(chunk, span),
                language=chunk.language or language,
            )
            for span in spans
        )
    return sorted(said, key=lambda utterance: (utterance.start_s, utterance.end_s, utterance.channel))


def _joined(spans: Sequence[SpeechSpan], duration_s: float) -> list[SpeechSpan]:
    return merged([(start, min(end, duration_s)) for start, end in spans], PAUSE_S)


def _words_in(chunk: TranscriptChunk, span: SpeechSpan) -> str | None:
    if not chunk.words:
        return None
    inside = (word.text for word in chunk.words if span[0] <= (word.start_s + word.end_s) / 2 <= span[1])
    return " ".join(inside)
