"""The table from a diariser's name to its builder."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.diariser import Diariser
from pipeline.errors import ModelUnavailable


def longest_s(settings: DiarisationSettings) -> float:
    """Seconds that diarisation of one recording may take on this machine; 0 where it is not installed."""
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
