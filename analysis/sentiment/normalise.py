"""Acoustic features against the speaker's own call, so that a loud line is not an angry one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.sentiment.features import FEATURE_NAMES, Array
from pipeline.errors import ModelUnavailable

_LEVEL = FEATURE_NAMES.index("level_db")
_FARTHEST = 4.0
"""Deviations beyond which it does not matter how far: noise and cut edges make such values, voices hardly."""


@dataclass(frozen=True, slots=True)
class Averages:
    """Mean and deviation of each feature over the training speakers, shape (features,)."""

    mean: Array
    std: Array

    @classmethod
    def of(cls, values: Array) -> Averages:
        """Averages of feature vectors, shape (chunks, features)."""
        return cls(values.mean(axis=0), values.std(axis=0) + 1e-9)

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> Averages:
        """From a model's card. Raises ModelUnavailable when it has none."""
        kept = options.get("averages")
        if kept is None:
            raise ModelUnavailable("an acoustic model's card lacks the training averages; train it again")
        return cls(np.asarray(kept["mean"]), np.asarray(kept["std"]))

    def as_options(self) -> dict[str, list[float]]:
        """For a model's card."""
        return {"mean": self.mean.tolist(), "std": self.std.tolist()}


def against_speaker(values: Array, averages: Averages, prior_chunks: float) -> Array:
    """Distance from the speaker's mean in the speaker's deviations.

    Both are drawn towards the training speakers' by `prior_chunks` imagined chunks (a conjugate-prior mean), so that
    a speaker of one line is measured against everybody. The level of a line is only ever measured against the
    speaker's other lines: absolute level says how the line was amplified.

    Args:
        values: chunks of one speaker of one call, shape (chunks, features).
        prior_chunks: weight of the training speakers' averages, in chunks.
    """
    count = len(values)
    mean = (values.sum(axis=0) + prior_chunks * averages.mean) / (count + prior_chunks)
    mean[_LEVEL] = values[:, _LEVEL].mean()
    squares = ((values - mean) ** 2).sum(axis=0) + prior_chunks * averages.std**2
    std = np.sqrt(squares / (count + prior_chunks)) if prior_chunks > 0 else np.sqrt(squares / count)
    # One chunk without a prior has no deviation: it stands at its own mean.
    distance: Array = (values - mean) / np.where(std > 1e-9, std, 1.0)
    return np.clip(distance, -_FARTHEST, _FARTHEST)


def against_everybody(values: Array, averages: Averages) -> Array:
    """Distance from the training speakers' mean in their deviations; the level is left out."""
    distance: Array = (values - averages.mean) / averages.std
    distance[:, _LEVEL] = 0.0
    return np.clip(distance, -_FARTHEST, _FARTHEST)
