"""`run.py export --format redacted_audio`: copies of recordings in which personal data is not heard."""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.redaction.stored import PersonalStretch
from commands.quiet import stretches_in
from db.export.files import write_whole
from db.export.transcripts import file_stem_of
from db.queries.reading import ShownCall, shown_call
from pages.sound import recording_of
from pipeline.children.worker import Worker
from pipeline.encryption.here import use_keys
from pipeline.errors import EarshotError
from pipeline.listening.muted import Copied, MuteTask, build_muter
from pipeline.run.spool_folder import own_spool

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

LIMIT_S = 600.0
"""Longest wait for one recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCopies:
    """What was written, and what was not."""

    recordings: int
    stretches: int
    whole_chunks: int
    """Stretches without word times: there the whole chunk is silent."""
    failed: tuple[str, ...]
    """Calls of which there is no copy, and why."""


def export_redacted_audio(database: Database, call_ids: Iterable[str], folder: Path, settings: Settings) -> AudioCopies:
    """Write `NAME.redacted.wav` for each call (one for each side where it has two files), and beside it
    `NAME.redacted.json`, which says what is silent and why."""
    use_keys(settings.encryption)
    spools = own_spool(settings.run.spool_dir)
    for needed in (folder, spools):
        needed.mkdir(parents=True, exist_ok=True)
    stretches_of = stretches_in(database, settings)
    recordings = stretches = whole = 0
    failed: list[str] = []
    worker = Worker("muting", build_muter, (settings.input,), limit_key="of the export")
    try:
        with tempfile.TemporaryDirectory(prefix="redacted-", dir=spools) as spool:
            for call_id in call_ids:
                call = shown_call(database, uuid.UUID(call_id))
                found = None if call is None else stretches_of(call)
                if call is None or found is None:
                    failed.append(f"{call.file_name if call else call_id}: no transcript says what is to be silent")
                    continue
                try:
                    copies = worker.call(_task(call, found, folder, Path(spool), settings), LIMIT_S)
                except EarshotError as error:
                    failed.append(str(error))
                    continue
                write_whole(folder / f"{_stem(call)}.redacted.json", _told(call, found, copies))
                recordings += 1
                stretches += len(found)
                whole += sum(not stretch.exact for stretch in found)
    finally:
        worker.close()
    return AudioCopies(recordings=recordings, stretches=stretches, whole_chunks=whole, failed=tuple(failed))


def _stem(call: ShownCall) -> str:
    return file_stem_of(call.file_name, call.call_id)


def _task(
    call: ShownCall, found: tuple[PersonalStretch, ...], folder: Path, spool: Path, settings: Settings
) -> MuteTask:
    recording = recording_of(call)
    names = (
        [f"{_stem(call)}.redacted.{side}.wav" for side in (1, 2)]
        if recording.in_two_files
        else [f"{_stem(call)}.redacted.wav"]
    )
    return MuteTask(
        recording=recording,
        spans=tuple((stretch.start_s, stretch.end_s) for stretch in found),
        to=tuple(folder / name for name in names),
        spool=spool,
        fetch_limit_s=settings.run.fetch_timeout_s,
    )


def _told(call: ShownCall, found: tuple[PersonalStretch, ...], copies: tuple[Copied, ...]) -> bytes:
    content = {
        "call_id": call.call_id,
        "copies": [
            {
                "file": copy.path.name,
                "sample_rate_hz": copy.sample_rate_hz,
                "channels": copy.channels,
                "duration_s": round(copy.duration_s, 3),
                "muted_s": round(copy.muted_s, 3),
            }
            for copy in copies
        ],
        "muted": [
            {
                "start_s": round(stretch.start_s, 3),
                "end_s": round(stretch.end_s, 3),
                "said_on_channel": stretch.channel,
                "what": stretch.mark,
                "whole_chunk": not stretch.exact,
            }
            for stretch in found
        ],
    }
    return json.dumps(content, indent=1).encode()
