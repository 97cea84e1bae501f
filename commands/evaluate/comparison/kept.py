"""Transcripts made for a comparison, kept in a folder by fingerprint, with what making them took."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import OutputUnavailable
from pipeline.records import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What one transcript took, on one machine."""

    audio_s: float
    processor_s: float
    """Processor seconds of the recogniser's process."""
    other_processor_s: float
    """Of the processes that decode and find speech, while this call was recognised."""
    wall_s: float
    peak_memory_bytes: int
    """Highest so far in this run: resident sets of all its processes together."""
    machine: str
    made_at: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTranscript:
    transcript: Transcript
    effort: Effort | None


@cache
def _adapter() -> TypeAdapter[KeptTranscript]:
    return TypeAdapter(KeptTranscript)


class KeptTranscripts:
    """A folder with a JSON file per transcript. Safe from several threads: each file appears whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, fingerprint: str) -> KeptTranscript | None:
        """None where there is none, or it was kept by a version that wrote another form."""
        try:
            return _adapter().validate_json((self._folder / f"{fingerprint}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def put(self, kept: KeptTranscript) -> None:
        """Raises OutputUnavailable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._folder, prefix=".draft-")
            with os.fdopen(handle, "wb") as file:
                file.write(_adapter().dump_json(kept))
            os.replace(draft, self._folder / f"{kept.transcript.fingerprint}.json")
        except OSError as error:
            raise OutputUnavailable(
                f"{self._folder}: a transcript cannot be kept there ({error}); free space, or choose another folder "
                "with --output"
            ) from error
