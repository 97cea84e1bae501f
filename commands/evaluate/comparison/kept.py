"""Transcripts made for a comparison, kept in a folder by fingerprint, with what making them took."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from db.export.files import write_whole
from pipeline.records import Transcript

MOST_KEPT = 5000
"""Transcripts. Of an hour of calls one takes about 200 KB."""
_DAY_S = 86_400


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
    """A folder with a JSON file per transcript. Safe from several threads: each file appears whole.

    Args:
        most: how many `prune` leaves, the ones used last.
    """

    def __init__(self, folder: Path, most: int = MOST_KEPT) -> None:
        self._folder = folder
        self._most = most

    def get(self, fingerprint: str) -> KeptTranscript | None:
        """None where there is none, or it was kept by a version that wrote another form."""
        path = self._folder / f"{fingerprint}.json"
        try:
            kept = _adapter().validate_json(path.read_bytes())
            os.utime(path)
            return kept
        except (OSError, ValidationError):
            return None

    def put(self, kept: KeptTranscript) -> None:
        """Raises OutputUnavailable."""
        write_whole(self._folder / f"{kept.transcript.fingerprint}.json", _adapter().dump_json(kept))

    def prune(self) -> None:
        """Delete those not used for longest, and drafts of a process that was killed."""
        files = sorted(self._folder.glob("*.json"), key=_used_at, reverse=True)
        yesterday = time.time() - _DAY_S
        drafts = [draft for draft in self._folder.glob(".*.part") if _used_at(draft) < yesterday]
        for path in (*files[self._most :], *drafts):
            path.unlink(missing_ok=True)


def _used_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
