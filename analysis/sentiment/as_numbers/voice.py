"""A voice model as numbers: a support vector machine with a Gaussian kernel, one sigmoid for each class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class VoiceModel:
    """Features to probabilities; answers as the pipeline it was made from (scikit-learn's `SVC`, libsvm's layout)."""

    mean: Array
    """Shape (features,); with `scale`: of the training items."""
    scale: Array
    support: Array
    """Shape (vectors, features), scaled; those of the first class, of the second, and so on."""
    counts: npt.NDArray[np.int64]
    """Support vectors of each class."""
    dual: Array
    """Shape (classes - 1, vectors)."""
    intercept: Array
    """Of each pair of classes."""
    gamma: float
    slope: Array
    """Of each class's sigmoid (Platt 1999)."""
    offset: Array
    classes_: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raises ValueError for shapes that do not fit one another."""
        classes, (vectors, features) = len(self.classes_), self.support.shape
        fits = (
            classes > 2
            and self.mean.shape == self.scale.shape == (features,)
            and self.dual.shape == (classes - 1, vectors)
            and (len(self.counts), int(self.counts.sum())) == (classes, vectors)
            and len(self.intercept) == classes * (classes - 1) // 2
            and self.slope.shape == self.offset.shape == (classes,)
        )
        if not fits:
            raise ValueError(f"{self.support.shape} support vectors do not fit the features or the classes")

    def predict_proba(self, rows: npt.ArrayLike) -> Array:
        """Shape (rows, features) to (rows, classes)."""
        scaled = (np.asarray(rows, dtype=np.float64) - self.mean) / self.scale
        if not np.isfinite(scaled).all():
            raise ValueError("a feature is not a number, or is infinite")
        shares = _sigmoid(-(self.slope * self._votes(self._kernel(scaled)) + self.offset))
        total = shares.sum(axis=1, keepdims=True)
        even = np.full_like(shares, 1 / len(self.classes_))
        return np.asarray(np.divide(shares, total, out=even, where=total != 0))

    @cached_property
    def _lengths(self) -> Array:
        return np.asarray((self.support**2).sum(axis=1))

    def _kernel(self, rows: Array) -> Array:
        """Shape (rows, vectors)."""
        squared = (rows**2).sum(axis=1)[:, None] + self._lengths - 2 * rows @ self.support.T
        return np.asarray(np.exp(-self.gamma * np.maximum(squared, 0.0)))

    def _votes(self, kernel: Array) -> Array:
        """Shape (rows, classes): the pairs each class wins, and within a third of a vote how clearly."""
        ends = np.cumsum(self.counts)
        of_class = [slice(int(end - count), int(end)) for end, count in zip(ends, self.counts, strict=True)]
        votes, clearly = np.zeros((2, len(kernel), len(self.classes_)))
        for index, (winner, loser) in enumerate(combinations(range(len(self.classes_)), 2)):
            first, second = of_class[winner], of_class[loser]
            wins = kernel[:, first] @ self.dual[loser - 1, first] + kernel[:, second] @ self.dual[winner, second]
            wins += self.intercept[index]
            votes[:, winner] += wins >= 0
            votes[:, loser] += wins < 0
            clearly[:, winner] += wins
            clearly[:, loser] -= wins
        return np.asarray(votes + clearly / (3 * (np.abs(clearly) + 1)))


def _sigmoid(values: Array) -> Array:
    small = np.exp(-np.abs(values))
    return np.asarray(np.where(values >= 0, 1.0, small) / (1 + small))
