"""Whether an engine that went away could serve again, told without loading its weights."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engines.catalogue import ENGINES
from pipeline.weights.looking import LookingHub, WeightsSeen


def build_answering(settings: TranscriptionSettings) -> Callable[[str], None]:
    """Runs in a spawned process: the function of an engine's name that raises ModelUnavailable when it cannot serve.

    A service must give a sign of life; weights must be on disk, and the packages importable.
    """

    def answering(name: str) -> None:
        engine = ENGINES[name](settings, LookingHub(allow_download=False, timeout_s=settings.hub_timeout_s))
        try:
            engine.load()
        except WeightsSeen:
            return
        except (ImportError, MemoryError) as error:
            raise ModelUnavailable(f"{name}: it cannot be loaded ({type(error).__name__})") from error
        engine.close()

    return answering
