"""Whether the speakers of calls with both sides on one channel can be separated."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from commands.doctor.finding import Finding, State
from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.checkpoints import pipeline_weights
from pipeline.errors import ModelUnavailable
from pipeline.weights.hub import Hub

_WITHOUT = "calls with both sides on one channel are transcribed as one unknown speaker"


def diarisation(
    settings: DiarisationSettings, find_package: Callable[[str], object | None] = importlib.util.find_spec
) -> Finding:
    """Looks only: neither the package nor its weights are loaded, and none are fetched."""
    if settings.engine == "none":
        return _finding("none", State.NOTE, f"diarisation.engine is none: {_WITHOUT}")
    if find_package("pyannote") is None:
        detail = f"pyannote.audio is not installed: {_WITHOUT}; pip install -r requirements-pyannote.lock"
        return _finding(settings.engine, State.NOTE, detail)
    weights = settings.pyannote
    try:
        found = Hub(False, weights.hub_timeout_s).find(pipeline_weights(weights))
    except ModelUnavailable as error:
        fetched = "; the first call that needs them fetches them" if weights.allow_download else f": {_WITHOUT}"
        return _finding(settings.engine, State.WARNING, f"weights not on disk ({error}){fetched}")
    return _finding(settings.engine, State.OK, f"weights in {found.folder}")


def _finding(name: str, state: State, detail: str) -> Finding:
    return Finding(area="diarisation", name=name, state=state, detail=detail)
