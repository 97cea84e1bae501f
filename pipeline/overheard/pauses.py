"""Pauses in which the other side had its say: who goes on afterwards begins a new turn."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.overheard.said import Said
from pipeline.records import SpeechSpan

PAUSE_S = 0.5
"""Between two words; within a shorter one recognisers' times do not tell who was first."""
_TIME_ERROR_S = 0.25


def answered_pauses(words: Sequence[Said], others: Sequence[SpeechSpan]) -> list[SpeechSpan]:
    """The pauses of a segment in which the other channel begins and ends.

    Args:
        words: of the segment that are its own, in order.
        others: the runs of the other channel's own words.
    """
    pauses = [(before.end_s, after.start_s) for before, after in pairwise(words)]
    return [
        (start_s, end_s)
        for start_s, end_s in pauses
        if end_s - start_s >= PAUSE_S
        and any(first >= start_s - _TIME_ERROR_S and last <= end_s + _TIME_ERROR_S for first, last in others)
    ]


def runs(words: Sequence[Said]) -> list[SpeechSpan]:
    """Where words, in order of time, follow each other without a pause."""
    found: list[SpeechSpan] = []
    for word in words:
        if found and word.start_s - found[-1][1] < PAUSE_S:
            found[-1] = (found[-1][0], max(found[-1][1], word.end_s))
        else:
            found.append((word.start_s, word.end_s))
    return found
