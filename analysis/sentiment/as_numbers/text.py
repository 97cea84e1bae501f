"""A text model as numbers: vectors, counted words and characters, cues; one linear layer; one temperature."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.sentiment.text_features import CUE_NAMES, Encoded, cues, line_vectors, mark_negation, plain_words

Array = npt.NDArray[np.float64]

_TOKEN = re.compile(r"\S+")


class Unit(StrEnum):
    """What a text is counted by."""

    WORDS = "words"
    """Of the text with its negations marked."""
    CHARACTERS = "characters"
    """Of each word with a space at both ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Sublinear TF-IDF of unit length over runs of words or characters, as scikit-learn's `TfidfVectorizer` has it."""

    unit: Unit
    shortest: int
    longest: int
    vocabulary: Mapping[str, int]
    idf: Array
    """Shape (terms,)."""
    weight: float
    """Of these features beside the others."""

    def of(self, text: str) -> tuple[npt.NDArray[np.intp], Array]:
        """Columns of the terms that are there, and their values."""
        counts = Counter(
            self.vocabulary[run]
            for run in _RUNS[self.unit](text, self.shortest, self.longest)
            if run in self.vocabulary
        )
        columns = np.fromiter(counts, dtype=np.intp, count=len(counts))
        found = np.fromiter(counts.values(), dtype=np.float64, count=len(counts))
        values = (np.log(found) + 1.0) * self.idf[columns]
        return columns, self.weight * values / (float(np.sqrt(values @ values)) or 1.0)


@dataclass(frozen=True, kw_only=True)
class TextModel:
    """Lines to probabilities; answers as the pipeline it was made from."""

    encoded: bool
    """Whether it is asked for encoded lines, whose vectors come first; else for texts."""
    counted: tuple[Counted, ...]
    cue_scale: Array
    """Shape (cues,): the largest value of each in training."""
    coefficients: Array
    """Shape (classes, features): vectors, counted terms in order, cues."""
    intercept: Array
    """Shape (classes,)."""
    sharpness: float
    """The inverse of the temperature (Guo et al. 2017)."""
    classes_: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raises ValueError for shapes that do not fit one another."""
        counted = sum(len(counter.idf) for counter in self.counted)
        others = self.coefficients.shape[1] - counted - len(self.cue_scale)
        fits = (
            self.coefficients.shape[0] == len(self.intercept) == len(self.classes_) > 2
            and len(self.cue_scale) == len(CUE_NAMES)
            and (others > 0 if self.encoded else others == 0)
            and all(sorted(counter.vocabulary.values()) == list(range(len(counter.idf))) for counter in self.counted)
        )
        if not fits:
            raise ValueError(f"{self.coefficients.shape} coefficients do not fit the features or the classes")

    def predict_proba(self, rows: Sequence[str] | Sequence[Encoded]) -> Array:
        """Shape (rows, classes)."""
        texts, vectors = _read(rows, self.encoded)
        logits = self.sharpness * (vectors @ self._layer[: vectors.shape[1]] + self._words(texts, vectors.shape[1]))
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Array = weights / weights.sum(axis=1, keepdims=True)
        return shares

    @cached_property
    def _layer(self) -> Array:
        """Shape (features, classes)."""
        return np.ascontiguousarray(self.coefficients.T)

    def _words(self, texts: Sequence[str], first: int) -> Array:
        """What words and cues say, and the intercept. `first`: the first row of the layer that is theirs."""
        said = np.tile(self.intercept, (len(texts), 1))
        for counter in self.counted:
            for row, text in enumerate(texts):
                columns, values = counter.of(text)
                said[row] += values @ self._layer[first + columns]
            first += len(counter.idf)
        table = np.asarray([cues(text) for text in texts], dtype=np.float64) / self.cue_scale
        return np.asarray(said + table @ self._layer[first:])


def _read(rows: Sequence[str] | Sequence[Encoded], encoded: bool) -> tuple[list[str], Array]:
    lines = [row for row in rows if not isinstance(row, str)]
    if len(lines) != (len(rows) if encoded else 0):
        raise TypeError(f"the model reads {'encoded lines' if encoded else 'texts'}")
    if encoded:
        return [line.text for line in lines], line_vectors(lines)
    return [str(row) for row in rows], np.zeros((len(rows), 0))


def _word_runs(text: str, shortest: int, longest: int) -> list[str]:
    tokens = _TOKEN.findall(mark_negation(text))
    return [
        " ".join(tokens[first : first + length])
        for length in range(shortest, longest + 1)
        for first in range(len(tokens) - length + 1)
    ]


def _character_runs(text: str, shortest: int, longest: int) -> list[str]:
    """A word no longer than a run counts once, whole."""
    runs: list[str] = []
    for word in plain_words(text).split():
        padded = f" {word} "
        for length in range(shortest, longest + 1):
            runs += [padded[first : first + length] for first in range(max(1, len(padded) - length + 1))]
            if len(padded) <= length:
                break
    return runs


_RUNS: Mapping[Unit, Callable[[str, int, int], list[str]]] = {
    Unit.WORDS: _word_runs,
    Unit.CHARACTERS: _character_runs,
}
