"""Arithmetic of stretches of time: (start, end) in seconds."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import SpeechSpan


def merged(spans: Sequence[SpeechSpan], pause_s: float = 0.0) -> list[SpeechSpan]:
    """Union of the spans, in order, apart; those with no more than `pause_s` between them are joined."""
    union: list[SpeechSpan] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if union and start - union[-1][1] <= pause_s:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def total(spans: Sequence[SpeechSpan]) -> float:
    """Seconds covered by spans that do not overlap."""
    return sum(end - start for start, end in spans)


def intersection(left: Sequence[SpeechSpan], right: Sequence[SpeechSpan]) -> list[SpeechSpan]:
    """The spans of time that both lists cover; each list is in order and without overlaps."""
    common: list[SpeechSpan] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if end > start:
            common.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return common


def gaps(spans: Sequence[SpeechSpan], duration_s: float) -> list[float]:
    """Lengths of the stretches in 0..duration that no span covers; the spans are in order and without overlaps."""
    starts, ends = [*(span[0] for span in spans), duration_s], [0.0, *(span[1] for span in spans)]
    return [start - end for end, start in zip(ends, starts, strict=True) if start > end]
