"""What the decoder process does with one recording: bring it here, check its header, decode it, find its speech."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.config.audio import AudioSettings
from pipeline.config.sources import InputSettings
from pipeline.config.voice_activity import VoiceActivitySettings
from pipeline.parts import PrepareTask
from pipeline.records import PreparedCall, SkippedFile


def build_preparer(
    source_settings: InputSettings, audio: AudioSettings, voice_activity: VoiceActivitySettings
) -> Callable[[PrepareTask], PreparedCall | SkippedFile]:
    """Runs in the spawned process; the voice-activity model is loaded with the first recording."""
    from pipeline.audio.prepare import CallPreparer
    from pipeline.sources.probe import probe_call
    from pipeline.sources.source import build_source

    source = build_source(source_settings)
    preparer = CallPreparer(audio, voice_activity)

    def prepare(task: PrepareTask) -> PreparedCall | SkippedFile:
        with source.fetch(task.found, task.spool) as path:
            header = probe_call(task.found, path, source_settings)
            if isinstance(header, SkippedFile):
                return header
            return preparer.prepare(path, task.found.metadata, task.spool)

    return prepare
