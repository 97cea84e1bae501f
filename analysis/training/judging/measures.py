"""Figures of merit of labels with probabilities, with 95 % intervals (`pipeline.intervals`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.intervals import Array, Figure, draws, figure

Integers = npt.NDArray[np.intp]

SHARE, SHARE_DIFFERENCE = (0.0, 1.0), (-1.0, 1.0)
BRIER, BRIER_DIFFERENCE = (0.0, 2.0), (-2.0, 2.0)
"""Between which figures lie."""
ECE_LEAST_ITEMS = 2_000
"""Below, even a perfectly calibrated model shows an error of some hundredths."""
ECE_BINS = 15


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
    bin_of = np.minimum((top * bins).astype(int), bins - 1)
    return float(
        sum(
            (bin_of == number).mean() * abs(right[bin_of == number].mean() - top[bin_of == number].mean())
            for number in np.unique(bin_of)
        )
    )


def score(truth: Integers, probabilities: Array, groups: Sequence[str], seed: int) -> Scores:
    """All figures of one set of held-out probabilities, shape (items, classes)."""
    tables, errors, sizes = _by_group(truth, probabilities, groups)
    drawn = draws(len(sizes), seed)
    ece = calibration_error(truth, probabilities) if len(truth) >= ECE_LEAST_ITEMS else None
    whole = tables.sum(axis=0)
    return Scores(
        items=len(truth),
        groups=len(sizes),
        recall=figure(drawn, lambda weights: unweighted_recall(_weigh(weights, tables)), len(sizes), SHARE),
        macro_f1=figure(drawn, lambda weights: macro_f1(_weigh(weights, tables)), len(sizes), SHARE),
        brier=figure(drawn, lambda weights: (weights @ errors) / (weights @ sizes), len(sizes), BRIER),
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
    drawn = draws(len(sizes), seed)

    def difference(measure: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda weights: measure(_weigh(weights, tables_a)) - measure(_weigh(weights, tables_b))

    return Comparison(
        recall=figure(drawn, difference(unweighted_recall), len(sizes), SHARE_DIFFERENCE),
        macro_f1=figure(drawn, difference(macro_f1), len(sizes), SHARE_DIFFERENCE),
        brier=figure(
            drawn, lambda weights: (weights @ (errors_a - errors_b)) / (weights @ sizes), len(sizes), BRIER_DIFFERENCE
        ),
    )


def _by_group(truth: Integers, probabilities: Array, groups: Sequence[str]) -> tuple[Array, Array, Array]:
    """Per group: confusion table, summed squared error, items."""
    classes = probabilities.shape[1]
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    tables: Array = np.zeros((len(names), classes, classes))
    np.add.at(tables, (group_of, truth, probabilities.argmax(axis=1)), 1)
    wrong = ((probabilities - np.eye(classes)[truth]) ** 2).sum(axis=1)
    errors: Array = np.bincount(group_of, weights=wrong, minlength=len(names)).astype(np.float64)
    sizes: Array = np.bincount(group_of, minlength=len(names)).astype(np.float64)
    return tables, errors, sizes


def _weigh(weights: Array, tables: Array) -> Array:
    weighed: Array = np.tensordot(weights, tables, axes=(-1, 0))
    return weighed
