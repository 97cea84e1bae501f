"""The weights that come with Earshot: a logistic regression over a sentence's features and its vector.

`python -m bench.promise_weights` fits them and says from what.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.encoder.vectors import Vectors

WEIGHTS = Path(__file__).parent / "promises.json"


@dataclass(frozen=True, slots=True)
class PromiseWeights:
    constant: float
    features: Mapping[str, float]
    vector: npt.NDArray[np.float64]
    """Shape (dimensions,)."""
    space: str
    """Of the encoder they are for."""

    def probability(self, features: Mapping[str, float], vector: Vectors) -> float:
        """How likely a sentence promises something; features that were not learned count for nothing."""
        score = self.constant + float(vector.astype(np.float64) @ self.vector)
        score += sum(value * self.features.get(name, 0.0) for name, value in features.items())
        return 1.0 / (1.0 + math.exp(-score))


def weights_of(record: Mapping[str, Any]) -> PromiseWeights:
    """From what `promises.json` holds."""
    return PromiseWeights(
        float(record["constant"]),
        {name: float(value) for name, value in record["features"].items()},
        np.asarray(record["vector"], dtype=np.float64),
        str(record["space"]),
    )


@lru_cache(maxsize=1)
def _shipped() -> PromiseWeights:
    return weights_of(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def shipped_for(space: str) -> PromiseWeights | None:
    """The weights that come with Earshot, where they are for this encoder's space."""
    return weights if (weights := _shipped()).space == space else None
