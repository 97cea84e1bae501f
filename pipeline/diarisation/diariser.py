"""The Protocol of diarisers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.records import SpeechSegment

SPEAKERS = 2
"""A telephone call has two parties."""


@dataclass(frozen=True, slots=True, order=True)
class SpeakerTurn:
    """A stretch in which one speaker speaks; turns of a recording do not overlap."""

    start_s: float
    end_s: float
    speaker: int
    """0 for whoever speaks first."""


class DiarisationGivenUp(Exception):
    """No two speakers can be told apart, or it took too long; the message says which."""


class Diariser(Protocol):
    """Tells speakers apart. Built once per process."""

    name: str

    def diarise(
        self, samples_path: Path, samples: int, segments: Sequence[SpeechSegment], limit_s: float
    ) -> tuple[SpeakerTurn, ...]:
        """Turns of at most two speakers, in time order, not overlapping.

        Args:
            samples_path: raw little-endian float32 mono samples at 16 kHz.
            samples: how many of them.
            segments: where voice activity was found, in time order; at least one.
            limit_s: seconds it may take.

        Raises DiarisationGivenUp.
        """
        ...
