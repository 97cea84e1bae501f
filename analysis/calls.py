"""What every step needs to know about a call."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.text import words
from pipeline.records import CallForAnalysis, TranscriptChunk


def language_of(call: CallForAnalysis) -> str | None:
    """The language the recogniser heard, else the one in the metadata."""
    return call.transcript.language or call.metadata.language


NOBODY_SPEAKS = "nobody speaks in this call"
"""Why nothing was found in it."""


def speaks(call: CallForAnalysis) -> bool:
    """Whether anybody says a word."""
    return any(words(chunk.text) for chunk in call.transcript.believed)


def in_order(chunks: Sequence[TranscriptChunk]) -> list[TranscriptChunk]:
    """Chunks in order of time; where several begin together, the lowest channel comes first."""
    return sorted(chunks, key=lambda chunk: (chunk.start_s, chunk.channel, chunk.ordinal))
