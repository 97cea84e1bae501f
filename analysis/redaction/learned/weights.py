"""The weights that come with Earshot: a multinomial logistic regression over a word's features and its vector.

`python -m bench.redaction_weights` fits them and says from what.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WEIGHTS = Path(__file__).parent / "weights.json"
NOTHING, HARMLESS = "nothing", "harmless"
"""What a word is that is no personal data: no number at all, or one that harms nobody."""
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    classes: tuple[str, ...]
    """Names of placeholders (`CARD`), `NOTHING` and `HARMLESS`."""
    constant: Scores
    """Shape (classes,)."""
    features: Mapping[str, Scores]
    vector: Scores
    """Shape (dimensions, classes)."""
    space: str
    """Of the encoder they are for."""

    def of_features(self, features: Mapping[str, float]) -> Scores:
        """Shape (classes,)."""
        known = [value * self.features[name] for name, value in features.items() if name in self.features]
        found: Scores = self.constant + np.sum(known, axis=0) if known else self.constant
        return found

    def of_vectors(self, vectors: npt.NDArray[np.float32]) -> Scores:
        """Shape (words, classes)."""
        found: Scores = vectors.astype(np.float64) @ self.vector
        return found


def shares(scores: Scores) -> Scores:
    """Probabilities of the classes, along the last axis."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Scores = raised / raised.sum(axis=-1, keepdims=True)
    return found


def weights_of(record: Mapping[str, Any]) -> Weights:
    """From what `weights.json` holds."""
    return Weights(
        tuple(record["classes"]),
        np.asarray(record["constant"], dtype=np.float64),
        {name: np.asarray(row, dtype=np.float64) for name, row in record["features"].items()},
        np.asarray(record["vector"], dtype=np.float64),
        str(record["space"]),
    )


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """The weights that come with Earshot."""
    return weights_of(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def personal(found: Scores, classes: Sequence[str]) -> float:
    """How likely a word is personal data of any kind."""
    return 1.0 - float(found[classes.index(NOTHING)]) - float(found[classes.index(HARMLESS)])
