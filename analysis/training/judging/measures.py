"""Figures of merit with 95 % intervals by bootstrap over groups.

Items of one speaker or call are alike, so whole groups are drawn (cluster bootstrap, Davison & Hinkley 1997, 3.8);
two models are compared on the same draws (paired). Percentile intervals of few groups are too narrow: their levels
are widened by Student's t (expanded percentile interval, Hesterberg 2015, 4.4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

DRAWS = 2_000
DRAWS_OF_FEW = 10_000
"""With few groups the widened levels lie far out, and more draws cost little."""
FEW_GROUPS = 200
ECE_LEAST_ITEMS = 2_000
"""Below, even a perfectly calibrated model shows an error of some hundredths."""
ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Scores:
    """How well held-out probabilities fit the labels."""

    items: int
    groups: int
    recall: Figure
    """Unweighted average recall (UAR)."""
    macro_f1: Figure
    brier: Figure
    """Mean squared distance between probability vector and truth, 0..2; lower is better."""
    calibration_error: float | None
    """Expected calibration error of the top class, 15 bins; None under 2,000 items."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows: truth, columns: answer."""


def confusion(truth: Integers, answer: Integers, classes: int) -> Array:
    table = np.zeros((classes, classes))
    np.add.at(table, (truth, answer), 1)
    return table


def unweighted_recall(tables: Array) -> Array:
    """Shape (..., classes, classes) -> (...); classes without items are left out."""
    support = tables.sum(axis=-1)
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    recall = np.divide(hits, support, out=np.zeros_like(support), where=support > 0)
    mean: Array = recall.sum(axis=-1) / np.maximum((support > 0).sum(axis=-1), 1)
    return mean


def macro_f1(tables: Array) -> Array:
    """Shape (..., classes, classes) -> (...)."""
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    both = tables.sum(axis=-1) + tables.sum(axis=-2)
    f1 = np.divide(2 * hits, both, out=np.zeros_like(both), where=both > 0)
    mean: Array = f1.sum(axis=-1) / np.maximum((both > 0).sum(axis=-1), 1)
    return mean


def calibration_error(truth: Integers, probabilities: Array, bins: int = ECE_BINS) -> float:
    """Expected calibration error of the most probable class, equal-width bins (Guo et al. 2017)."""
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((top * bins).astype(int), bins - 1)
    return float(
        sum(
            (place == number).mean() * abs(right[place == number].mean() - top[place == number].mean())
            for number in np.unique(place)
        )
    )


def score(truth: Integers, probabilities: Array, groups: Sequence[str], seed: int) -> Scores:
    """All figures of one set of held-out probabilities, shape (items, classes)."""
    tables, errors, sizes = _by_group(truth, probabilities, groups)
    draws = _draws(len(sizes), seed)
    ece = calibration_error(truth, probabilities) if len(truth) >= ECE_LEAST_ITEMS else None
    whole = tables.sum(axis=0)
    return Scores(
        items=len(truth),
        groups=len(sizes),
        recall=_figure(draws, lambda weights: unweighted_recall(_weigh(weights, tables)), len(sizes)),
        macro_f1=_figure(draws, lambda weights: macro_f1(_weigh(weights, tables)), len(sizes)),
        brier=_figure(draws, lambda weights: (weights @ errors) / (weights @ sizes), len(sizes)),
        calibration_error=ece,
        confusion=tuple(tuple(int(cell) for cell in row) for row in whole),
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Paired difference, first minus second; the interval excludes 0 where one is better."""

    recall: Figure
    macro_f1: Figure
    brier: Figure

    @property
    def verdict(self) -> str:
        if self.recall.low > 0:
            return "better than"
        return "worse than" if self.recall.high < 0 else "not told apart from"


def compare(truth: Integers, first: Array, second: Array, groups: Sequence[str], seed: int) -> Comparison:
    """Both models on the same items and the same draws of groups."""
    tables_a, errors_a, sizes = _by_group(truth, first, groups)
    tables_b, errors_b, _ = _by_group(truth, second, groups)
    draws = _draws(len(sizes), seed)

    def difference(measure: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda weights: measure(_weigh(weights, tables_a)) - measure(_weigh(weights, tables_b))

    return Comparison(
        recall=_figure(draws, difference(unweighted_recall), len(sizes)),
        macro_f1=_figure(draws, difference(macro_f1), len(sizes)),
        brier=_figure(draws, lambda weights: (weights @ (errors_a - errors_b)) / (weights @ sizes), len(sizes)),
    )


def _by_group(truth: Integers, probabilities: Array, groups: Sequence[str]) -> tuple[Array, Array, Array]:
    """Per group: confusion table, summed squared error, items."""
    classes = probabilities.shape[1]
    names, place = np.unique(np.asarray(groups), return_inverse=True)
    tables: Array = np.zeros((len(names), classes, classes))
    np.add.at(tables, (place, truth, probabilities.argmax(axis=1)), 1)
    wrong = ((probabilities - np.eye(classes)[truth]) ** 2).sum(axis=1)
    errors: Array = np.bincount(place, weights=wrong, minlength=len(names)).astype(np.float64)
    sizes: Array = np.bincount(place, minlength=len(names)).astype(np.float64)
    return tables, errors, sizes


def _draws(groups: int, seed: int) -> Array:
    """How often each group is drawn, shape (draws, groups)."""
    generator = np.random.default_rng(seed)
    size = DRAWS_OF_FEW if groups <= FEW_GROUPS else DRAWS
    return generator.multinomial(groups, np.full(groups, 1 / groups), size=size).astype(float)


def interval_levels(groups: int) -> tuple[float, float]:
    """Percentiles of the draws between which 95 % lie, widened for few groups: 2.5 and 97.5 for very many."""
    from scipy.stats import norm, t

    if groups < 2:
        return 0.0, 100.0
    tail = float(norm.cdf(np.sqrt(groups / (groups - 1)) * t.ppf(0.025, groups - 1)))
    return 100 * tail, 100 * (1 - tail)


def _weigh(weights: Array, tables: Array) -> Array:
    weighed: Array = np.tensordot(weights, tables, axes=(-1, 0))
    return weighed


def _figure(draws: Array, measure: Callable[[Array], Array], groups: int) -> Figure:
    value = float(measure(np.ones((1, groups)))[0])
    low, high = np.percentile(measure(draws), interval_levels(groups))
    return Figure(value, float(low), float(high))
