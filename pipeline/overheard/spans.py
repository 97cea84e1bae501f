"""Stretches of time in seconds."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import SpeechSpan


def less(spans: Sequence[SpeechSpan], holes: Sequence[SpeechSpan]) -> list[SpeechSpan]:
    """What the holes leave of the spans."""
    left = list(spans)
    for hole in holes:
        left = [
            (start, end)
            for span in left
            for start, end in ((span[0], min(span[1], hole[0])), (max(span[0], hole[1]), span[1]))
            if start < end
        ]
    return left
