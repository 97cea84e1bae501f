"""The Protocol of diarisers, and the table from name to builder."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.config.diarisation import DiarisationSettings
from pipeline.errors import ModelUnavailable

SPEAKERS = 2
"""Two parties are what a telephone call has."""


@dataclass(frozen=True, slots=True, order=True)
class SpeakerTurn:
    """A stretch in which one speaker speaks; turns of a recording do not overlap."""

    start_s: float
    end_s: float
    speaker: int
    """0 for whoever speaks first."""


class DiarisationGivenUp(Exception):
    """It took longer than it may; the message says how long."""


class Diariser(Protocol):
    """Tells speakers apart. Built once per process."""

    name: str

    def diarise(self, samples_path: Path, samples: int, limit_s: float) -> tuple[SpeakerTurn, ...]:
        """Turns of at most two speakers, in time order, not overlapping.

        Args:
            samples_path: raw little-endian float32 mono samples at 16 kHz.
            samples: how many of them.
            limit_s: seconds it may take.

        Raises DiarisationGivenUp.
        """
        ...


def longest_s(settings: DiarisationSettings) -> float:
    """Seconds that diarisation of one recording may take on this machine: none where it is not installed."""
    if settings.engine == "none" or importlib.util.find_spec("pyannote") is None:
        return 0.0
    return settings.time_limit_s


def _pyannote(settings: DiarisationSettings) -> Diariser:
    from pipeline.diarisation.pyannote import PyannoteDiariser

    return PyannoteDiariser(settings.pyannote)


def _none(settings: DiarisationSettings) -> Diariser:
    raise ModelUnavailable(f"diarisation.engine is {settings.engine}")


Builder = Callable[[DiarisationSettings], Diariser]
"""Raises ModelUnavailable when its model or library is not there."""

DIARISERS: Mapping[str, Builder] = {"pyannote": _pyannote, "none": _none}
