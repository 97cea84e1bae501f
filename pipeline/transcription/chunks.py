"""Recognised segments to chunks, and the chunks of all channels to one transcript."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pipeline.records import Role, SegmentText, SpeechSegment, SpeechSpan, TranscriptChunk, Word
from pipeline.transcription.engine import SegmentResult
from pipeline.transcription.text.overlap import join_overlap

ShownText = Callable[[str, str | None], str]
"""From a text and its language to the text that readers see."""


def segment_text(segment: SpeechSegment, result: SegmentResult) -> SegmentText:
    """The recogniser's answer on the recording's clock; word times are kept inside the segment.

    An answer with an error has no text and the flag `recognition_failed`.
    """
    flags = result.flags if result.error is None else (*result.flags, "recognition_failed")
    return SegmentText(
        channel=segment.channel,
        ordinal=segment.ordinal,
        start_s=segment.start_s,
        end_s=segment.end_s,
        text=result.text if result.error is None else "",
        language=result.language,
        language_probability=result.language_probability,
        words=_on_clock(result.words, segment.start_s, segment.end_s) if result.error is None else None,
        confidence=result.confidence if result.error is None else None,
        flags=tuple(dict.fromkeys(flags)),
        overlap_s=segment.overlap_s,
    )


def channel_chunks(
    segments: Sequence[SegmentText],
    role: Role,
    shown: ShownText | None = None,
    speech: Mapping[tuple[int, int], tuple[SpeechSpan, ...] | None] | None = None,
) -> tuple[TranscriptChunk, ...]:
    """Chunks of one channel. Overlaps appear once; empty segments are left out unless a flag says why they are empty.

    `speech`: by a segment's channel and ordinal, where somebody speaks; it may begin before the segment, where the
    beginning is quiet.

    Raises ValueError when the segments are of several channels.
    """
    if len({segment.channel for segment in segments}) > 1:
        raise ValueError("channel_chunks: segments of one channel expected")
    chunks: list[TranscriptChunk] = []
    for segment in join_overlaps(sorted(segments, key=lambda s: (_ms(s.start_s), s.ordinal))):
        text = shown(segment.text, segment.language) if shown else segment.text.strip()
        if not text and not segment.flags:
            continue
        spoken = speech.get((segment.channel, segment.ordinal)) if speech else None
        chunks.append(
            TranscriptChunk(
                channel=segment.channel,
                ordinal=len(chunks),
                role=role,
                start_s=min(segment.start_s, spoken[0][0]) if spoken else segment.start_s,
                end_s=segment.end_s,
                text=text,
                words=segment.words,
                confidence=segment.confidence,
                language=segment.language,
                flags=segment.flags,
                speech=spoken,
            )
        )
    return tuple(chunks)


def join_overlaps(segments: Sequence[SegmentText]) -> list[SegmentText]:
    """The same segments in the given order; words that two neighbours both heard stay in one of them only."""
    joined: list[SegmentText] = []
    for segment in segments:
        if segment.overlap_s > 0 and joined:
            joined[-1], segment = join_overlap(joined[-1], segment)  # noqa: PLW2901 - the shortened one goes on
        joined.append(segment)
    return joined


def merge_channels(channels: Sequence[Sequence[TranscriptChunk]]) -> tuple[TranscriptChunk, ...]:
    """All chunks on one clock. Ties within a millisecond are ordered by end, channel, ordinal: always the same way."""
    return tuple(
        sorted(
            (chunk for chunks in channels for chunk in chunks),
            key=lambda c: (_ms(c.start_s), _ms(c.end_s), c.channel, c.ordinal),
        )
    )


def main_language(chunks: Sequence[TranscriptChunk]) -> str | None:
    """The language of most characters; None when no chunk has one. Ties are broken alphabetically."""
    lengths: dict[str, int] = {}
    for chunk in chunks:
        if chunk.language and chunk.text:
            lengths[chunk.language] = lengths.get(chunk.language, 0) + len(chunk.text)
    return min(lengths, key=lambda language: (-lengths[language], language)) if lengths else None


def _on_clock(words: Sequence[Word] | None, start_s: float, end_s: float) -> tuple[Word, ...] | None:
    if words is None:
        return None
    placed: list[Word] = []
    for word in words:
        if not (math.isfinite(word.start_s) and math.isfinite(word.end_s)):
            return None
        begin = min(max(start_s + word.start_s, start_s), end_s)
        placed.append(replace(word, start_s=begin, end_s=min(max(start_s + word.end_s, begin), end_s)))
    return tuple(placed)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
