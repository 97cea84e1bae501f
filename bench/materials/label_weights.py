"""Maximum likelihood with a small ridge: the weights of topics from questions whose right labels are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.topics.likelihood import FEATURES, WORDS_ALONE, rivals

Rows = npt.NDArray[np.float64]
RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Draw:
    """Questions against one glossary."""

    features: Rows
    """Shape (questions, labels, columns), see `table_of`."""
    right: npt.NDArray[np.bool_]
    """Shape (questions, labels + 1): what may be answered; the last is none of them."""
    weights: Rows
    """Shape (questions,); sums to the draw's weight."""
    narrowness: float
    names_alone: float
    elsewhere: Rows
    """Shape (questions,): `LabelLikeness.elsewhere`."""

    def none(self) -> Rows:
        """Shape (questions, 6): what the utility of "none of them" is made of."""
        whole = [1.0, np.log(self.features.shape[1]), self.narrowness, self.names_alone]
        return np.column_stack(
            [np.tile(whole, (len(self.features), 1)), rivals(self.features, self.narrowness), self.elsewhere]
        )


def fit(draws: Sequence[Draw], method: str) -> dict[str, Any]:
    """Weights of the labels' features are not negative: what is more alike is no less likely."""
    from scipy.optimize import minimize

    names = FEATURES[method]
    columns = [-1] if method == WORDS_ALONE else range(len(names))
    size = len(names)

    def loss(weights: Rows) -> tuple[float, Rows]:
        total, slope = 0.0, np.zeros_like(weights)
        for draw in draws:
            features, none = draw.features[:, :, columns], draw.none()
            utilities = np.concatenate([features @ weights[:size], (none @ weights[size:])[:, None]], axis=1)
            utilities -= utilities.max(axis=1, keepdims=True)
            shares = np.exp(utilities)
            shares /= shares.sum(axis=1, keepdims=True)
            rightly = np.where(draw.right, shares, 0.0)
            sums = rightly.sum(axis=1, keepdims=True) + 1e-12
            total -= float((draw.weights * np.log(sums[:, 0])).sum())
            error = (shares - rightly / sums) * draw.weights[:, None]
            slope[:size] += np.einsum("ql,qlf->f", error[:, :-1], features)
            slope[size:] += none.T @ error[:, -1]
        return total / len(draws) + RIDGE * float(weights @ weights), slope / len(draws) + 2 * RIDGE * weights

    # How alike the labels are and how many they are go together; with the encoder the former tells more.
    free, none = (None, None), (0.0, 0.0)
    many, of_likeness = (free, none) if method == WORDS_ALONE else (none, free)
    bounds = [(0.0, None)] * size + [free, many, *[of_likeness] * 4]
    found = minimize(loss, np.zeros(size + 6), jac=True, method="L-BFGS-B", bounds=bounds)
    values = [round(float(value), 4) for value in found.x]
    print(f"{method}: {found.fun:.4f} a question")
    return {
        "label": dict(zip(names, values[:size], strict=True)),
        "none": values[size],
        "none_per_log_label": values[size + 1],
        "none_per_narrowness": values[size + 2],
        "none_of_names": values[size + 3],
        "none_per_rivals": values[size + 4],
        "none_per_elsewhere": values[size + 5],
    }
