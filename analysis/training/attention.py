"""Fits the small networks of `analysis.sentiment.as_numbers.attention`.

Stored models name this module: it stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped,unused-ignore]

from analysis.sentiment.as_numbers.attention import AttentionModel, softmax
from analysis.sentiment.text_features import cues, line_context

Weights = dict[str, npt.NDArray[np.float32]]
_BATCH, _STEP, _DECAY, _DROPPED, _DOUBT = 64, 2e-3, 1e-2, 0.3, 0.1
"""Lines at once; the first step; what weights lose each step, times the step; share of inputs and units left out;
share of each label that is spread over all classes."""
_ALIKE = 16
"""So many batches are sorted by length together: less is padded."""
_FIRST_MOMENT, _SECOND_MOMENT = 0.9, 0.99


class AttentionClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Heard lines to classes. Same lines in the same order and same seed: same model.

    Networks are fitted with Adam (Kingma & Ba 2015), decoupled weight decay (Loshchilov & Hutter 2019), a step that
    falls to 0, dropout (Srivastava et al. 2014), and smoothed labels, which keep them from being too sure (Müller et
    al. 2019). A class counts by the inverse square root of its share.
    """

    def __init__(self, queries: int = 4, units: int = 48, networks: int = 5, epochs: int = 12, seed: int = 0) -> None:
        self.queries, self.units, self.networks, self.epochs, self.seed = queries, units, networks, epochs, seed

    def fit(self, lines: Sequence[Any], labels: npt.ArrayLike) -> AttentionClassifier:
        self.classes_, targets = np.unique(np.asarray(labels), return_inverse=True)
        scale = np.abs([cues(line.text) for line in lines]).max(axis=0)
        self.cue_scale_ = np.where(scale == 0, 1.0, scale)
        contexts = line_context(list(lines), self.cue_scale_).astype(np.float32)
        words = [np.asarray(line.words, dtype=np.float32) for line in lines]
        fitted = [
            _Fitting(contexts, words, targets, queries=self.queries, units=self.units, seed=self.seed + number).run(
                self.epochs
            )
            for number in range(self.networks)
        ]
        self.weights_ = {name: np.stack([weights[name] for weights in fitted]) for name in fitted[0]}
        return self

    def numbers(self) -> AttentionModel:
        return AttentionModel(
            cue_scale=self.cue_scale_,
            classes_=np.asarray(self.classes_, dtype=np.int64),
            **{name: weights.astype(np.float64) for name, weights in self.weights_.items()},
        )

    def predict_proba(self, lines: Sequence[Any]) -> npt.NDArray[np.float64]:
        return self.numbers().predict_proba(list(lines))

    def predict(self, lines: Sequence[Any]) -> npt.NDArray[Any]:
        return np.asarray(self.classes_[self.predict_proba(lines).argmax(axis=1)])


class _Fitting:
    """One network: its weights, and what it learns from."""

    def __init__(
        self,
        contexts: npt.NDArray[np.float32],
        words: Sequence[npt.NDArray[np.float32]],
        targets: npt.NDArray[np.intp],
        *,
        queries: int,
        units: int,
        seed: int,
    ) -> None:
        self._contexts, self._words = contexts, words
        self._lengths = np.asarray([len(rows) for rows in words])
        counts = np.bincount(targets)
        certain = np.eye(len(counts), dtype=np.float32)[targets]
        self._classes = (1 - _DOUBT) * certain + np.float32(_DOUBT / len(counts))
        self._counting = np.sqrt(len(targets) / len(counts) / counts)[targets].astype(np.float32)
        self._random = np.random.default_rng(seed)
        dimensions = words[0].shape[1]
        inputs = contexts.shape[1] + queries * dimensions
        self._weights: Weights = {
            "queries": self._drawn((dimensions, queries), 0.02),
            "hidden": self._drawn((inputs, units), inputs**-0.5),
            "hidden_bias": np.zeros(units, dtype=np.float32),
            "output": self._drawn((units, len(counts)), units**-0.5),
            "direct": np.zeros((inputs, len(counts)), dtype=np.float32),
            "bias": np.zeros(len(counts), dtype=np.float32),
        }

    def _drawn(self, shape: tuple[int, int], spread: float) -> npt.NDArray[np.float32]:
        drawn: npt.NDArray[np.float32] = self._random.standard_normal(shape, dtype=np.float32) * np.float32(spread)
        return drawn

    def run(self, epochs: int) -> Weights:
        means = {name: np.zeros_like(weights) for name, weights in self._weights.items()}
        squares = {name: np.zeros_like(weights) for name, weights in self._weights.items()}
        batches = [batch for _ in range(epochs) for batch in self._batches()]
        for number, batch in enumerate(batches, 1):
            step = _STEP * (1 - number / (len(batches) + 1))
            for name, gradient in self._gradients(batch).items():
                means[name] += (1 - _FIRST_MOMENT) * (gradient - means[name])
                squares[name] += (1 - _SECOND_MOMENT) * (gradient**2 - squares[name])
                moved = means[name] / (1 - _FIRST_MOMENT**number)
                moved /= np.sqrt(squares[name] / (1 - _SECOND_MOMENT**number)) + 1e-8
                kept = 0.0 if name.endswith("bias") else _DECAY
                self._weights[name] -= np.float32(step) * (moved + kept * self._weights[name])
        return self._weights

    def _batches(self) -> list[npt.NDArray[np.intp]]:
        order = self._random.permutation(len(self._words))
        batches: list[npt.NDArray[np.intp]] = []
        for first in range(0, len(order), _BATCH * _ALIKE):
            alike = order[first : first + _BATCH * _ALIKE]
            alike = alike[np.argsort(self._lengths[alike], kind="stable")]
            batches += [alike[start : start + _BATCH] for start in range(0, len(alike), _BATCH)]
        return [batches[place] for place in self._random.permutation(len(batches))]

    def _padded(self, batch: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Shape (lines, words, dimensions), and which are words."""
        longest = max(1, int(self._lengths[batch].max()))
        rows = np.zeros((len(batch), longest, self._words[0].shape[1]), dtype=np.float32)
        for place, line in enumerate(batch):
            rows[place, : self._lengths[line]] = self._words[line]
        return rows, np.arange(longest) < self._lengths[batch][:, None]

    def _dropping(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        kept = self._random.random(shape, dtype=np.float32) > _DROPPED
        return kept.astype(np.float32) / np.float32(1 - _DROPPED)

    def _gradients(self, batch: npt.NDArray[np.intp]) -> Weights:
        """Of the cross-entropy, by back-propagation."""
        weights = self._weights
        words, there = self._padded(batch)
        scores = np.where(there[..., None], words @ weights["queries"], np.float32(-1e9))
        attention = softmax(scores.transpose(0, 2, 1))
        found = attention @ words
        inputs = np.concatenate([self._contexts[batch], found.reshape(len(batch), -1)], axis=1)
        input_drop, unit_drop = self._dropping(inputs.shape), self._dropping((len(batch), weights["output"].shape[0]))
        inputs = inputs * input_drop
        units = np.tanh(inputs @ weights["hidden"] + weights["hidden_bias"])
        dropped = units * unit_drop
        shares = softmax(inputs @ weights["direct"] + dropped @ weights["output"] + weights["bias"])
        wrong = (shares - self._classes[batch]) * self._counting[batch, None] / np.float32(len(batch))
        into_units = (wrong @ weights["output"].T) * unit_drop * (1 - units**2)
        into_inputs = (wrong @ weights["direct"].T + into_units @ weights["hidden"].T) * input_drop
        into_found = into_inputs[:, self._contexts.shape[1] :].reshape(found.shape)
        into_attention = into_found @ words.transpose(0, 2, 1)
        into_scores = attention * (into_attention - (attention * into_attention).sum(axis=2, keepdims=True))
        return {
            "queries": np.einsum("lwd,lqw->dq", words, into_scores, optimize=True),
            "hidden": inputs.T @ into_units,
            "hidden_bias": into_units.sum(axis=0),
            "output": dropped.T @ wrong,
            "direct": inputs.T @ wrong,
            "bias": wrong.sum(axis=0),
        }
