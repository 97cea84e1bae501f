"""A text model as numbers: cues of the words; one linear layer; one temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.sentiment.as_numbers.attention import softmax
from analysis.sentiment.text_features import CUE_NAMES, cues

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CuesModel:
    """Texts to probabilities; answers as the pipeline it was made from."""

    cue_scale: Array
    """Shape (cues,): the largest value of each in training."""
    coefficients: Array
    """Shape (classes, cues)."""
    intercept: Array
    """Shape (classes,)."""
    sharpness: float
    """The inverse of the temperature (Guo et al. 2017)."""
    classes_: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raises ValueError for shapes that do not fit one another."""
        fits = self.coefficients.shape == (len(self.classes_), len(CUE_NAMES)) and (
            len(self.intercept) == len(self.classes_) > 2 and len(self.cue_scale) == len(CUE_NAMES)
        )
        if not fits:
            raise ValueError(f"{self.coefficients.shape} coefficients do not fit the cues or the classes")

    def predict_proba(self, rows: Sequence[str]) -> Array:
        """Shape (rows, classes)."""
        if not all(isinstance(row, str) for row in rows):
            raise TypeError("the model reads texts")
        table = np.asarray([cues(str(row)) for row in rows], dtype=np.float64) / self.cue_scale
        return softmax(self.sharpness * (table @ self.coefficients.T + self.intercept))
