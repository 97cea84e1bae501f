"""The table from a detector's name to its builder, and the choice among those configured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.audio.vad.detector import VoiceActivityDetector
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.errors import ModelUnavailable


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
    """Why each earlier-listed one was not used."""


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
