"""The Protocol of voice activity detectors, and the table from name to builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pipeline.config.voice_activity import VoiceActivitySettings
from pipeline.errors import ModelUnavailable

Samples = npt.NDArray[np.float32]
"""Mono, 16 kHz, shape (samples,), full scale is 1."""
Scores = npt.NDArray[np.float32]
"""Probability of speech, 0..1, one per step."""


class VoiceActivityStream(Protocol):
    """One channel being listened to. Keeps its state from block to block: any blocks give the same scores."""

    def push(self, samples: Samples) -> Scores:
        """Scores that the samples so far allow and that were not given yet."""
        ...

    def finish(self) -> Scores:
        """The remaining scores; together ceil(all samples / step_samples)."""
        ...


class VoiceActivityDetector(Protocol):
    """Finds speech. Built once per process, one stream per channel and call."""

    name: str
    step_samples: int
    """Samples (at 16 kHz) that one score stands for."""

    def stream(self) -> VoiceActivityStream:
        """A fresh state."""
        ...


def _silero(settings: VoiceActivitySettings) -> VoiceActivityDetector:
    from pipeline.audio.vad.silero import SileroDetector

    return SileroDetector(settings.silero)


def _energy(settings: VoiceActivitySettings) -> VoiceActivityDetector:
    from pipeline.audio.vad.energy import EnergyDetector

    return EnergyDetector(settings.energy)


def _pyannote(settings: VoiceActivitySettings) -> VoiceActivityDetector:
    from pipeline.audio.vad.pyannote import PyannoteDetector

    return PyannoteDetector(settings.pyannote)


Builder = Callable[[VoiceActivitySettings], VoiceActivityDetector]
"""Raises ModelUnavailable when its model or library is not there."""

DETECTORS: Mapping[str, Builder] = {"silero": _silero, "energy": _energy, "pyannote": _pyannote}


@dataclass(frozen=True, slots=True)
class ChosenDetector:
    """The detector in use."""

    detector: VoiceActivityDetector
    passed_over: tuple[str, ...]
    """Why each earlier-listed one was passed over."""


def choose_detector(settings: VoiceActivitySettings, builders: Mapping[str, Builder] = DETECTORS) -> ChosenDetector:
    """The first of `voice_activity.detectors` that can be built.

    Raises ModelUnavailable when none can, or when `strict` and the first cannot.
    """
    passed_over: list[str] = []
    for name in settings.detectors:
        builder = builders.get(name)
        try:
            if builder is None:
                raise ModelUnavailable(f"no such detector here; there are {', '.join(sorted(builders))}")
            return ChosenDetector(builder(settings), tuple(passed_over))
        except ModelUnavailable as error:
            passed_over.append(f"{name}: {error}")
            if settings.strict:
                break
    raise ModelUnavailable(
        f"no voice activity detector can be used ({'; '.join(passed_over)}); see voice_activity.detectors and strict"
    )
