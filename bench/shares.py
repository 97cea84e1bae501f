"""Shares and how sure they are."""

from __future__ import annotations

import math


def share_interval(right: int, of: int) -> tuple[float, float]:
    """95 % score interval of a share."""
    share, z = right / of, 1.96
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return round(middle - half, 4), round(middle + half, 4)
