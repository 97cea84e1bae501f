"""What a text model sees, as transformers of scikit-learn. What they compute is in `analysis.sentiment.text_features`.

Stored models name this module: it stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin  # type: ignore[import-untyped,unused-ignore]

from analysis.sentiment import text_features
from analysis.sentiment.text_features import CUE_NAMES, VECTOR_SCALE, cues, line_vectors


def plain_words(text: str) -> str:
    """Lower case; addresses, names of accounts and digits reduced to their kind."""
    return text_features.plain_words(text)


def mark_negation(text: str) -> str:
    """Words under a negation get `_NOT`."""
    return text_features.mark_negation(text)


class SentimentCues(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to a table of cues, shape (texts, len(CUE_NAMES)). English."""

    def fit(self, texts: Sequence[str], labels: Any = None) -> SentimentCues:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = len(CUE_NAMES)
        return self

    def transform(self, texts: Iterable[str]) -> npt.NDArray[np.float64]:
        return np.asarray([cues(text) for text in texts], dtype=float).reshape(-1, len(CUE_NAMES))

    def get_feature_names_out(self, _inputs: Any = None) -> npt.NDArray[np.object_]:
        return np.asarray(CUE_NAMES, dtype=object)


class LineWords(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encoded lines to their texts."""

    def fit(self, lines: Sequence[Any], labels: Any = None) -> LineWords:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = 1
        return self

    def transform(self, lines: Iterable[Any]) -> list[str]:
        return [line.text for line in lines]


class LineVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encoded lines to their vectors."""

    def fit(self, lines: Sequence[Any], labels: Any = None) -> LineVectors:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = 4 * len(lines[0].vector) + 1
        return self

    def transform(self, lines: Iterable[Any]) -> npt.NDArray[np.float64]:
        return line_vectors(list(lines))


class TextVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encoded texts to their vectors."""

    def fit(self, lines: Sequence[Any], labels: Any = None) -> TextVectors:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = len(lines[0].vector)
        return self

    def transform(self, lines: Iterable[Any]) -> npt.NDArray[np.float64]:
        return VECTOR_SCALE * np.asarray([line.vector for line in lines], dtype=float)
