"""Whether the speakers of calls with both sides on one channel can be separated."""

from __future__ import annotations

from collections.abc import Callable

from commands.doctor.finding import Finding, State
from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.checkpoints import pipeline_weights
from pipeline.diarisation.choice import pyannote_installed
from pipeline.diarisation.voices.weights import encoder_weights
from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import Hub

_WITHOUT = "calls with both sides on one channel are transcribed as one unknown speaker"
_INSTALL = "pip install -r requirements-pyannote.lock"


def diarisation(settings: DiarisationSettings, installed: Callable[[], bool] = pyannote_installed) -> Finding:
    """Looks only: neither a package nor its weights are loaded, and none are fetched."""
    if settings.engine == "none":
        return _finding("none", State.NOTE, f"diarisation.engine is none: {_WITHOUT}")
    if settings.engine == "voices":
        return _voices(settings, "")
    if not installed():
        absent = f"pyannote.audio is not installed ({_INSTALL})"
        if settings.engine == "auto":
            return _voices(settings, f"; {absent}, it would be the better choice")
        return _finding(settings.engine, State.NOTE, f"{absent}: {_WITHOUT}")
    return _pyannote(settings)


def _pyannote(settings: DiarisationSettings) -> Finding:
    weights = settings.pyannote
    try:
        found = Hub(False, weights.hub_timeout_s).find(pipeline_weights(weights))
    except ModelUnavailable as error:
        if weights.allow_download:
            detail = f"weights not on disk ({error}); the first call that needs them fetches them"
            if settings.engine == "auto":
                detail += f", where that fails: {_voices(settings, '').detail}"
            return _finding("pyannote", State.WARNING, detail)
        if settings.engine == "auto":
            return _voices(settings, f"; pyannote, the better choice, has no weights: {error}")
        return _finding("pyannote", State.WARNING, f"weights not on disk ({error}): {_WITHOUT}")
    return _finding("pyannote", State.OK, f"weights in {found.folder}")


def _voices(settings: DiarisationSettings, better: str) -> Finding:
    """`better`: what to say of pyannote."""
    try:
        found = Hub(False, 1.0).find(encoder_weights(settings.voices))
    except ModelUnavailable as error:
        return _finding("voices", State.WARNING, f"{error}: {_WITHOUT}{better}")
    return _finding("voices", State.OK, f"weights in {found.folder}{better}")


def _finding(name: str, state: State, detail: str) -> Finding:
    return Finding(area="diarisation", name=name, state=state, detail=detail)
