"""A classifier of texts that knows how likely its answer is right, also for texts of none of its classes.

Stored models name this module: it stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.encoder.vectors import SentenceEncoder, Vectors
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


_NEIGHBOURS = 5
_AT_ONCE = 500
"""Texts compared with all examples at once, which bounds the memory."""


class OpenSetClassifier:
    """A calibrated classifier with `predict_proba`, and what tells right answers from others: how likely the best class
    is and, where there are vectors, how near the text's is to the middle of that class, to its examples, and to those
    of other classes. A text of a class that was not seen may be as near to a middle, but seldom to a single example."""

    def __init__(
        self,
        classifier: Any,
        centres: Rows | None,
        weights: Rows,
        least: float,
        *,
        examples: Vectors | None = None,
        owners: npt.NDArray[np.intp] | None = None,
        untempered: bool = False,
    ) -> None:
        self.classifier = classifier
        self.untempered = untempered
        """Whether doubt reads the shares as they are before the temperature."""
        self.examples, self.owners = examples, owners
        """Vectors of the training texts, shape (examples, dimensions), and the column of each one's class."""
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
        # Models of before have no examples, and read the shares as they are told.
        if getattr(self, "untempered", False):
            shares = np.asarray(self.classifier.calibrated_classifiers_[0].estimator.predict_proba(rows), dtype=float)
        examples, owners = getattr(self, "examples", None), getattr(self, "owners", None)
        return confidences_of(
            features_of(rows, shares, chosen, self.centres, examples=examples, owners=owners), self.weights
        )


def features_of(
    rows: Items,
    shares: Rows,
    chosen: npt.NDArray[np.intp],
    centres: Rows | None,
    *,
    examples: Vectors | None = None,
    owners: npt.NDArray[np.intp] | None = None,
    held_out: bool = False,
) -> Rows:
    """Shape (rows, 1, 2 or 5): the logarithm of the chosen class's share; how near its middle is; how near its nearest
    example, its five nearest and the nearest of another class are.

    Args:
        held_out: the rows are the examples themselves, in the same order: no text is its own neighbour.
    """
    likely = np.log(np.maximum(shares[np.arange(len(chosen)), chosen], 1e-9))[:, None]
    if centres is None:
        return np.asarray(likely)
    vectors = np.asarray([row.vector for row in rows], dtype=float)
    near = (vectors * centres[chosen]).sum(axis=1)
    features = np.concatenate([likely, near[:, None]], axis=1)
    if examples is None or owners is None:
        return features
    return np.concatenate([features, _neighbours(vectors, chosen, examples, owners, held_out=held_out)], axis=1)


def _neighbours(
    vectors: Rows, chosen: npt.NDArray[np.intp], examples: Vectors, owners: npt.NDArray[np.intp], *, held_out: bool
) -> Rows:
    found = np.empty((len(vectors), 3))
    for begin in range(0, len(vectors), _AT_ONCE):
        rows = np.arange(begin, min(begin + _AT_ONCE, len(vectors)))
        cosines = vectors[rows] @ examples.T
        if held_out:
            cosines[rows - begin, rows] = -1.0
        for number in np.unique(chosen[rows]):
            in_class = chosen[rows] == number
            own = np.sort(cosines[in_class][:, owners == number], axis=1)[:, ::-1]
            others = cosines[in_class][:, owners != number].max(axis=1)
            found[rows[in_class]] = np.stack([own[:, 0], own[:, :_NEIGHBOURS].mean(axis=1), others], axis=1)
    return found


def vectors_of(rows: Items) -> Vectors:
    """Shape (rows, dimensions)."""
    return np.asarray([row.vector for row in rows], dtype=np.float32)


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
    least = float(np.quantile(confidences_of(withheld, weights), SHARE_LEFT)) if len(withheld) else 0.0
    return weights, least


def confidences_of(features: Rows, weights: Rows) -> Rows:
    """How likely the chosen class is right, of `features_of`, shape (rows,)."""
    return np.asarray(1 / (1 + np.exp(-(features @ weights[:-1] + weights[-1]))))


def rows_of(texts: Sequence[str], encoder: SentenceEncoder | None) -> Items:
    """Texts as a topic model takes them, shape (texts,)."""
    rows = np.empty(len(texts), dtype=object)
    rows[:] = list(texts) if encoder is None else encode_lines(spoken_lines(texts), encoder)
    return rows
