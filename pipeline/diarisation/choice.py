"""The table from a diariser's name to its builder."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.diariser import Diariser
from pipeline.errors import ModelUnavailable

logger = logging.getLogger(__name__)


def longest_s(settings: DiarisationSettings) -> float:
    """Seconds that diarisation of one recording may take on this machine; 0 where it is not installed."""
    if settings.engine == "none" or (settings.engine == "pyannote" and not pyannote_installed()):
        return 0.0
    return settings.time_limit_s


def pyannote_installed() -> bool:
    """Whether the package is here; `pyannote.metrics` alone is not enough."""
    try:
        return importlib.util.find_spec("pyannote.audio") is not None
    except ModuleNotFoundError:
        return False


def _pyannote(settings: DiarisationSettings) -> Diariser:
    from pipeline.diarisation.pyannote import PyannoteDiariser

    return PyannoteDiariser(settings.pyannote)


def _voices(settings: DiarisationSettings) -> Diariser:
    from pipeline.diarisation.voices.diariser import VoicesDiariser

    return VoicesDiariser(settings.voices)


def best_of(better: Builder, plainer: Builder) -> Builder:
    """A builder of the first that can be built. Raises ModelUnavailable with both reasons."""

    def build(settings: DiarisationSettings) -> Diariser:
        try:
            return better(settings)
        except ModelUnavailable as error:
            reason = str(error)
        try:
            diariser = plainer(settings)
        except ModelUnavailable as error:
            raise ModelUnavailable(f"{reason}; {error}") from None
        logger.info("diarisation by %s: %s", diariser.name, reason)
        return diariser

    return build


def _none(settings: DiarisationSettings) -> Diariser:
    raise ModelUnavailable(f"diarisation.engine is {settings.engine}")


Builder = Callable[[DiarisationSettings], Diariser]
"""Raises ModelUnavailable when its model or library is not there."""

DIARISERS: Mapping[str, Builder] = {
    "auto": best_of(_pyannote, _voices),
    "pyannote": _pyannote,
    "voices": _voices,
    "none": _none,
}
