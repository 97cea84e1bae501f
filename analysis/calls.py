"""What every step asks of a call."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.text import words
from pipeline.records import CallForAnalysis, TranscriptChunk


def language_of(call: CallForAnalysis) -> str | None:
    """What the recogniser heard, else what the metadata says."""
    return call.transcript.language or call.metadata.language


def speaks(call: CallForAnalysis) -> bool:
    """Whether anybody says a word."""
    return any(words(chunk.text) for chunk in call.transcript.chunks)


def in_order(chunks: Sequence[TranscriptChunk]) -> list[TranscriptChunk]:
    """By time; of chunks that begin together the lower channel's first."""
    return sorted(chunks, key=lambda chunk: (chunk.start_s, chunk.channel, chunk.ordinal))
