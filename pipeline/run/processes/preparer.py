"""What the decoder process does with one recording: bring it here, decode it, find its speech and its speakers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import FoundCall, PreparedCall, SkippedFile

_TIME_TO_ANSWER = 0.9
"""Share of the time limit after which diarisation is given up: the call must not lose its transcript to it."""


@dataclass(frozen=True, slots=True)
class PrepareTask:
    """For the decoder process: bring this recording here, decode it, find its speech."""

    found: FoundCall
    spool: Path
    limit_s: float | None = None
    """Seconds until the process is killed."""
    local_paths: tuple[Path, ...] = ()
    """Local copies of its files, if they have been fetched; empty when the process opens them at their source."""
    fetch_limit_s: float | None = None
    """Seconds that fetching may take; None for no limit."""


def build_preparer(
    source_settings: InputSettings,
    audio: AudioSettings,
    voice_activity: VoiceActivitySettings,
    diarisation: DiarisationSettings,
) -> Callable[[PrepareTask], PreparedCall | SkippedFile]:
    """Runs in the spawned process; the models are loaded with the first recording."""
    from pipeline.audio.decoding.ingest import SourceFile
    from pipeline.audio.decoding.spool import discard
    from pipeline.audio.prepare import CallPreparer
    from pipeline.diarisation.calls import CallDiariser
    from pipeline.sources.addressed import AddressedSource
    from pipeline.sources.probe import outside_limits, probe_call
    from pipeline.sources.source import fetch_files

    source = AddressedSource(source_settings)
    preparer = CallPreparer(
        audio, voice_activity, raw_formats=source_settings.raw_formats, role_words=source_settings.role_words
    )
    diariser = CallDiariser(diarisation)

    def prepare(task: PrepareTask) -> PreparedCall | SkippedFile:
        began = time.monotonic()
        here = (
            nullcontext(task.local_paths)
            if task.local_paths
            else fetch_files(source, task.found, task.spool, task.fetch_limit_s)
        )
        with here as paths:
            header = probe_call(task.found, paths, source_settings)
            if isinstance(header, SkippedFile):
                return header
            files = [
                SourceFile(path=path, name=file.file_name, starts_s=start)
                for path, file, start in zip(paths, task.found.files, starts_s(task.found), strict=True)
            ]
            roles = task.found.metadata.channel_roles or () if task.found.sides else ()
            call = preparer.prepare_sides(files, task.found.metadata, task.spool, roles)
        # A header may claim more than could be decoded, or nothing at all.
        outside = outside_limits(task.found, call.duration_s, source_settings)
        if outside is not None:
            discard(call)
            return outside
        left_s = None if task.limit_s is None else task.limit_s * _TIME_TO_ANSWER - (time.monotonic() - began)
        return diariser.apply(call, left_s)

    return prepare


def starts_s(found: FoundCall) -> tuple[float, ...]:
    """When each file of a call begins, in seconds after the earliest, where names or sidecars say it of all of them."""
    starts = [file.metadata.started_at for file in found.files]
    known = [start for start in starts if start is not None]
    if len(known) < len(starts):
        return (0.0,) * len(starts)
    return tuple((start - min(known)).total_seconds() for start in known)
