"""The Protocol of voice activity detectors."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""Mono, 16 kHz, shape (samples,), full scale is 1."""
Scores = npt.NDArray[np.float32]
"""Probability of speech, 0..1, one per step."""


class VoiceActivityStream(Protocol):
    """One channel under detection. Keeps its state from block to block: scores do not depend on the blocks' sizes."""

    def push(self, samples: Samples) -> Scores:
        """New scores, as far as the samples so far allow."""
        ...

    def finish(self) -> Scores:
        """The remaining scores; together ceil(all samples / step_samples)."""
        ...


class VoiceActivityDetector(Protocol):
    """Finds speech. Built once per process, one stream per channel and call."""

    name: str
    step_samples: int
    """Samples (at 16 kHz) that one score stands for."""
    onset_lag_samples: int
    """How late it reports that speech begins: the median against turns marked by people; 0 where not measured."""
    onset_score: float | None
    """Scores from here on, without a break before speech, are its quiet beginning; None where not measured."""

    def stream(self) -> VoiceActivityStream:
        """A fresh state."""
        ...
