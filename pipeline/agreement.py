"""Cohen's kappa (Cohen 1960): agreement of two raters beyond chance, with a 95 % interval over calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.intervals import Array, draws, figure

Pair = tuple[str, str]
"""What the first and the second rater say of one item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two raters agree."""

    items: int
    calls: int
    agreed: int
    """Items of which both say the same."""
    kappa: float | None
    """-1..1; 0 is chance. None where both say one and the same of all, so that chance agrees as well."""
    low: float | None
    high: float | None
    """Bounds of the 95 % interval; None where kappa is, and for fewer than two calls."""


def agreement(by_call: Sequence[Sequence[Pair]], seed: int = 0) -> Agreement:
    """Kappa over the items of all calls.

    Args:
        by_call: the pairs of each call; calls are drawn as a whole for the interval.
    """
    labels = sorted({label for pairs in by_call for pair in pairs for label in pair})
    tables = np.zeros((len(by_call), len(labels), len(labels)))
    for call, pairs in enumerate(by_call):
        for first, second in pairs:
            tables[call, labels.index(first), labels.index(second)] += 1
    whole = tables.sum(axis=0)
    items, agreed = int(whole.sum()), int(np.trace(whole))
    kappa = low = high = None
    if items and not np.isnan(point := float(_kappa(whole[None])[0])):
        kappa = point
        if len(by_call) > 1:

            def measure(weights: Array) -> Array:
                drawn = _kappa(np.tensordot(weights, tables, axes=1))
                return np.where(np.isnan(drawn), point, drawn)

            found = figure(draws(len(by_call), seed), measure, len(by_call), (-1.0, 1.0))
            low, high = found.low, found.high
    return Agreement(items=items, calls=len(by_call), agreed=agreed, kappa=kappa, low=low, high=high)


def _kappa(tables: Array) -> Array:
    """From counts, shape (tables, labels, labels), to kappa; nan where chance alone agrees fully."""
    total = tables.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = np.trace(tables, axis1=1, axis2=2) / total
        chance = (tables.sum(axis=1) * tables.sum(axis=2)).sum(axis=1) / total**2
        kappa: Array = np.where(chance < 1.0, (observed - chance) / (1.0 - chance), np.nan)
    return kappa
