"""The weights that come with Earshot: a network of one hidden layer over a word's features and vectors.

`python -m bench.redaction_weights` fits them and says from what.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

WEIGHTS = Path(__file__).parent / "weights.npz"
NOTHING, HARMLESS = "nothing", "harmless"
"""What a word is that is no personal data: no number at all, or one that harms nobody."""
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """A word's features, its vector and the mean vector of the words decided with it add up to a hidden layer
    (rectified), which gives the scores of the classes."""

    classes: tuple[str, ...]
    """Names of placeholders (`CARD`), `NOTHING` and `HARMLESS`."""
    constant: Scores
    """Shape (hidden,)."""
    columns: Mapping[str, int]
    """Row of `features` by the name of the feature."""
    features: Scores
    """Shape (features, hidden)."""
    vector: Scores
    """Shape (dimensions, hidden)."""
    together: Scores
    """Of the mean vector: shape (dimensions, hidden)."""
    out: Scores
    """Shape (hidden, classes)."""
    out_constant: Scores
    """Shape (classes,)."""
    space: str
    """Of the encoder they are for."""

    def of_vectors(self, vectors: npt.NDArray[np.float32]) -> Scores:
        """Each word's two parts of the hidden layer, from `vector` and `together`: shape (words, 2, hidden)."""
        found: Scores = np.stack([vectors @ self.vector, vectors @ self.together], axis=1)
        return found

    def shares(self, features: Sequence[Collection[str]], parts: Scores, firsts: Sequence[int]) -> Scores:
        """Probabilities of the classes for each group of neighbouring words that are decided together.

        Args:
            features: of each word.
            parts: `of_vectors` of each word.
            firsts: place of the first word of each group, from 0 on.

        Returns:
            Shape (groups, classes): the geometric mean of the single words' probabilities, brought to the sum 1.
        """
        sizes = np.diff([*firsts, len(features)])[:, None]
        known = [[self.columns[name] for name in of_word if name in self.columns] for of_word in features]
        of_features = np.stack([self.features[sorted(columns)].sum(axis=0) for columns in known])
        together = np.repeat(np.add.reduceat(parts[:, 1], firsts) / sizes, sizes[:, 0], axis=0)
        hidden = np.maximum(self.constant + of_features + parts[:, 0] + together, 0.0)
        logs = np.log(_normal(hidden @ self.out + self.out_constant) + _LEAST)
        return _normal(np.add.reduceat(logs, firsts) / sizes)


_LEAST = 1e-9


def _normal(scores: Scores) -> Scores:
    """Probabilities, along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Scores = raised / raised.sum(axis=-1, keepdims=True)
    return found


_ARRAYS = ("constant", "features", "vector", "together", "out", "out_constant")


def saved(weights: Weights, path: Path) -> None:
    """In half precision."""
    told = {"classes": weights.classes, "columns": list(weights.columns), "space": weights.space}
    text = np.frombuffer(json.dumps(told, ensure_ascii=False).encode(), dtype=np.uint8)
    np.savez(path, told=text, **{name: getattr(weights, name).astype(np.float16) for name in _ARRAYS})


def loaded(path: Path) -> Weights:
    with np.load(path, allow_pickle=False) as held:
        told = json.loads(held["told"].tobytes())
        arrays = {name: held[name].astype(np.float32) for name in _ARRAYS}
    columns = {name: index for index, name in enumerate(told["columns"])}
    return Weights(classes=tuple(told["classes"]), space=told["space"], columns=columns, **arrays)


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """The weights that come with Earshot."""
    return loaded(WEIGHTS)
