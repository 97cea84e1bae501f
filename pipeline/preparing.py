"""What the decoder process does with one recording: bring it here, check its header, decode it, find its speech."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.config.audio import AudioSettings
from pipeline.config.sources import InputSettings
from pipeline.config.voice_activity import VoiceActivitySettings
from pipeline.parts import PrepareTask
from pipeline.records import AudioHeader, FoundCall, PreparedCall, SkippedFile


def build_preparer(
    source_settings: InputSettings, audio: AudioSettings, voice_activity: VoiceActivitySettings
) -> Callable[[PrepareTask], PreparedCall | SkippedFile]:
    """Runs in the spawned process; the voice-activity model is loaded with the first recording."""
    from pipeline.audio.prepare import prepare_call
    from pipeline.sources.probe import probe_header
    from pipeline.sources.source import build_source

    source = build_source(source_settings)

    def prepare(task: PrepareTask) -> PreparedCall | SkippedFile:
        with source.fetch(task.found, task.spool) as path:
            header = probe_header(path)
            skipped = skip_by_length(task.found, header, source_settings)
            if skipped is not None:
                return skipped
            return prepare_call(path, task.found.metadata, audio, voice_activity, task.spool)

    return prepare


def skip_by_length(found: FoundCall, header: AudioHeader, settings: InputSettings) -> SkippedFile | None:
    """A recording shorter or longer than configured, with the reason; None for one to work on."""
    length_s = header.duration_s
    if length_s is None:
        return None
    if length_s < settings.min_duration_s:
        reason, message = "too_short", f"{length_s:.3f} s is under input.min_duration_s ({settings.min_duration_s:g})"
    elif settings.max_duration_s is not None and length_s > settings.max_duration_s:
        reason, message = "too_long", f"{length_s:.0f} s is over input.max_duration_s ({settings.max_duration_s:g})"
    else:
        return None
    return SkippedFile(
        source_uri=found.source_uri,
        file_name=found.file_name,
        size_bytes=found.size_bytes,
        modified_at=found.modified_at,
        reason=reason,
        message=message,
    )
