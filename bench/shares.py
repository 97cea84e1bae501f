"""Shares and how sure they are."""

from __future__ import annotations

from pipeline.intervals import score_interval


def share_interval(right: int, of: int) -> tuple[float, float]:
    """95 % score interval of a share."""
    low, high = score_interval(right, of)
    return round(low, 4), round(high, 4)
