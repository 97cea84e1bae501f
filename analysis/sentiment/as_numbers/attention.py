"""A text model as numbers: what a line's words mean in it, by attention; what it answers; its role; cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.sentiment.text_features import CUE_NAMES, Heard, line_context

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AttentionModel:
    """Heard lines to probabilities: the mean of several small networks that began elsewhere.

    A mean over all words loses the two that tell a mood. Each network has queries of its own that look for such words
    (attention pooling, Lin et al. 2017, "A structured self-attentive sentence embedding").
    """

    cue_scale: Array
    """Shape (cues,): the largest value of each in training."""
    queries: Array
    """Shape (networks, dimensions, queries)."""
    hidden: Array
    """Shape (networks, inputs, units). Inputs are `line_context`, then what each query found."""
    hidden_bias: Array
    """Shape (networks, units)."""
    output: Array
    """Shape (networks, units, classes)."""
    direct: Array
    """Shape (networks, inputs, classes): past the hidden layer."""
    bias: Array
    """Shape (networks, classes)."""
    classes_: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raises ValueError for shapes that do not fit one another."""
        networks, dimensions, queries = self.queries.shape
        inputs, units, classes = self.hidden.shape[1], self.hidden.shape[2], len(self.classes_)
        fits = (
            len(self.cue_scale) == len(CUE_NAMES)
            and inputs == dimensions * (queries + 3) + 2 + len(CUE_NAMES)
            and self.hidden.shape == (networks, inputs, units)
            and self.hidden_bias.shape == (networks, units)
            and self.output.shape == (networks, units, classes)
            and self.direct.shape == (networks, inputs, classes)
            and self.bias.shape == (networks, classes)
        )
        if not fits:
            raise ValueError(f"{self.hidden.shape} weights do not fit the features or the classes")

    def predict_proba(self, rows: Sequence[Heard]) -> Array:
        """Shape (rows, classes)."""
        if any(isinstance(row, str) for row in rows):
            raise TypeError("the model reads heard lines")
        contexts = line_context(rows, self.cue_scale)
        return np.asarray([self._shares(row, context) for row, context in zip(rows, contexts, strict=True)])

    def _shares(self, row: Heard, context: Array) -> Array:
        """One line at a time: the last bits must not depend on what it is asked together with."""
        words = np.asarray(row.words, dtype=np.float64)
        shares = np.zeros(len(self.classes_))
        for network, queries in enumerate(self.queries):
            attention = softmax((words @ queries).T)
            inputs = np.concatenate([context, (attention @ words).ravel()])
            units = np.tanh(inputs @ self.hidden[network] + self.hidden_bias[network])
            shares += softmax(inputs @ self.direct[network] + units @ self.output[network] + self.bias[network])
        return shares / len(self.queries)


def softmax(values: Array) -> Array:
    """Over the last axis."""
    weights = np.exp(values - values.max(axis=-1, keepdims=True, initial=-np.inf))
    return np.asarray(weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-300))
