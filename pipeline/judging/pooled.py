"""Figures over several calls."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pipeline.intervals import Share, share
from pipeline.judging.scores import HIGHER_IS_BETTER, CallScore


def pooled(scores: Iterable[CallScore], name: str, seed: int) -> Share | None:
    """A figure over several calls."""
    parts, wholes = ratios(scores, name)
    return share(parts, wholes, seed, most=1.0 if name in HIGHER_IS_BETTER else math.inf)


def ratios(scores: Iterable[CallScore], name: str) -> tuple[list[float], list[float]]:
    """A figure's numerators and denominators, call by call."""
    pairs = [score.figures[name] for score in scores]
    return [part for part, _ in pairs], [whole for _, whole in pairs]
