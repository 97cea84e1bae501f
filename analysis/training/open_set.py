"""A classifier of texts that knows how likely its answer is right, also for texts of none of its classes.

Stored models name this module: it stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.encoder.vectors import SentenceEncoder
from analysis.sentiment.encoded_lines import encode_lines
from analysis.sentiment.lines import spoken_lines

Rows = npt.NDArray[np.float64]
Items = npt.NDArray[Any]
"""Shape (items,): texts, or encoded lines."""

WITHHELD_PARTS = 3
"""The classes are withheld in so many turns."""
SHARE_LEFT = 0.8
"""Of texts of withheld classes, how many are to be left without an answer."""
_WITHHELD_WEIGHT = 1 / 3
"""Of a text of a withheld class, against one of a known class: a confidence is meant for calls of which a quarter ask
for something unknown."""


class OpenSetClassifier:
    """A calibrated classifier with `predict_proba`, and what tells right answers from others: how likely the best class
    is, and how near the text's vector is to the middle of that class (where there are vectors)."""

    def __init__(self, classifier: Any, centres: Rows | None, weights: Rows, least: float) -> None:
        self.classifier = classifier
        self.centres = centres
        """Shape (classes, dimensions), in the order of `classes_`; None for a model of words alone."""
        self.weights = weights
        """Of the features, and a constant; shape (features + 1,)."""
        self.least = least
        """Confidence below which no answer should be given."""

    @property
    def classes_(self) -> Any:
        return self.classifier.classes_

    def predict_proba(self, rows: Items) -> Rows:
        return np.asarray(self.classifier.predict_proba(rows), dtype=float)

    def confidences(self, rows: Items, shares: Rows, chosen: npt.NDArray[np.intp]) -> Rows:
        """How likely the chosen class is right, shape (rows,).

        Args:
            shares: what `predict_proba` gave.
            chosen: the column chosen for each row.
        """
        return _logistic(features_of(rows, shares, chosen, self.centres), self.weights)


def features_of(rows: Items, shares: Rows, chosen: npt.NDArray[np.intp], centres: Rows | None) -> Rows:
    """Shape (rows, 1 or 2): the logarithm of the chosen class's share, and its nearness."""
    likely = np.log(np.maximum(shares[np.arange(len(chosen)), chosen], 1e-9))[:, None]
    if centres is None:
        return np.asarray(likely)
    vectors = np.asarray([row.vector for row in rows], dtype=float)
    near = (vectors * centres[chosen]).sum(axis=1)
    return np.concatenate([likely, near[:, None]], axis=1)


def centres_of(rows: Items, labels: npt.NDArray[np.intp], classes: Sequence[int]) -> Rows:
    """The mean vector of each class, of length 1; shape (classes, dimensions)."""
    vectors = np.asarray([row.vector for row in rows], dtype=float)
    centres = np.stack([vectors[labels == number].mean(axis=0) for number in classes])
    return np.asarray(centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12))


def fit_weights(known: Rows, right: npt.NDArray[np.bool_], withheld: Rows) -> tuple[Rows, float]:
    """The weights, and the least confidence that leaves enough of the withheld texts without an answer.

    Args:
        known: features of held-out texts of known classes, with whether each was answered rightly.
        withheld: features of texts of classes the model had not seen.
    """
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([known, withheld])
    target = np.concatenate([right, np.zeros(len(withheld), dtype=bool)])
    if target.all() or not target.any():
        return np.asarray([*np.zeros(features.shape[1]), 50.0 if target.all() else -50.0]), 0.0
    sizes = np.asarray([1.0] * len(known) + [_WITHHELD_WEIGHT * len(known) / max(len(withheld), 1)] * len(withheld))
    model = LogisticRegression(C=100.0, max_iter=1000).fit(features, target, sample_weight=sizes)
    weights = np.asarray([*model.coef_[0], model.intercept_[0]], dtype=float)
    least = float(np.quantile(_logistic(withheld, weights), SHARE_LEFT)) if len(withheld) else 0.0
    return weights, least


def _logistic(features: Rows, weights: Rows) -> Rows:
    return np.asarray(1 / (1 + np.exp(-(features @ weights[:-1] + weights[-1]))))


def rows_of(texts: Sequence[str], encoder: SentenceEncoder | None) -> Items:
    """Texts as a topic model takes them, shape (texts,)."""
    rows = np.empty(len(texts), dtype=object)
    rows[:] = list(texts) if encoder is None else encode_lines(spoken_lines(texts), encoder)
    return rows
