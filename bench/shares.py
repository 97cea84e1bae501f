"""Shares and how sure they are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from pipeline.intervals import score_interval


def share_interval(right: int, of: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927)."""
    low, high = score_interval(right, of)
    return round(low, 4), round(high, 4)


def share(right: int, of: int) -> str:
    """A share with its interval, as people read it."""
    if not of:
        return "none"
    low, high = share_interval(right, of)
    return f"{right} of {of} = {right / of:.3f} [{low:.3f}, {high:.3f}]"


def reliability(known: Sequence[tuple[float, bool]], borders: Sequence[float]) -> list[dict[str, Any]]:
    """By band of confidence how many answers, their mean confidence, and how many were right; empty bands are left out.

    Args:
        known: confidence of each answer, and whether it is right.
        borders: from the lowest to the highest, which belongs to the last band.
    """
    rows = []
    for low, high in itertools.pairwise(borders):
        inside = [(sure, ok) for sure, ok in known if low <= sure < high or sure == high == borders[-1]]
        if inside:
            right = sum(ok for _, ok in inside)
            mean = round(sum(sure for sure, _ in inside) / len(inside), 3)
            row = {"band": [low, high], "calls": len(inside), "mean": mean, "right": right}
            rows.append({**row, "interval": share_interval(right, len(inside))})
    return rows
