"""A copy of a recording that is silent where it must not be heard: same channels, same rate."""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio.decoding.container import look_at
from pipeline.audio.decoding.decode import Decoding
from pipeline.audio.decoding.tracks import tracks_of
from pipeline.config.areas.sources import InputSettings
from pipeline.disk import remove_folder
from pipeline.errors import AudioUndecodable, SourceUnreadable
from pipeline.listening.recordings import StoredRecording, found_again, source_of
from pipeline.records import SpeechSpan
from pipeline.sources.source import fetch_files

MARGIN_S = 0.25
"""Silence around a stretch: word times are that exact, and a number's edges tell its digits."""
_BLOCK_S = 10.0
_MOST_WAV_BYTES = 2**32 - 2**16
"""Sizes in a WAV header have 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteTask:
    """A recording, and when nothing of it may be heard."""

    recording: StoredRecording
    spans: tuple[SpeechSpan, ...]
    """Seconds from the first sample; on all channels, since each may have overheard the other."""
    to: tuple[Path, ...]
    """A WAV file for each file of the recording: one, or one for each side."""
    spool: Path
    fetch_limit_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A muted copy."""

    path: Path
    sample_rate_hz: int
    channels: int
    duration_s: float
    muted_s: float


def build_muter(source: InputSettings) -> Callable[[MuteTask], tuple[Copied, ...]]:
    """Runs in a spawned process. What it returns raises what decoding raises: SourceUnreadable, AudioUndecodable."""

    def mute(task: MuteTask) -> tuple[Copied, ...]:
        task.spool.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="mute-", dir=task.spool))
        try:
            found = found_again(task.recording, source)
            if len(found.files) != len(task.to):
                raise SourceUnreadable(f"{task.recording.file_name}: it has {len(found.files)} files now")
            with fetch_files(source_of(task.recording, source), found, folder, task.fetch_limit_s) as paths:
                return tuple(write_muted(path, to, task.spans, source) for path, to in zip(paths, task.to, strict=True))
        finally:
            remove_folder(folder)

    return mute


def write_muted(path: Path, to: Path, spans: Sequence[SpeechSpan], source: InputSettings) -> Copied:
    """Write a 16-bit WAV with the recording's channels and rate, silent in `spans`; it appears whole.

    Raises AudioUndecodable, also where the file has several tracks or changes its format, SourceUnreadable.
    """
    layout = look_at(path, source.raw_formats)
    if len(tracks_of(path, layout)) > 1:
        raise AudioUndecodable(f"{path.name}: several audio tracks; a muted copy can be made of one alone")
    decoding = Decoding(path=path, layout=layout)
    aside = to.with_name(f".{to.name}.part")
    try:
        done, muted, rate, channels = _copy(decoding, aside, spans)
        aside.replace(to)
    finally:
        aside.unlink(missing_ok=True)
    return Copied(path=to, sample_rate_hz=rate, channels=channels, duration_s=done / rate, muted_s=muted / rate)


def _copy(decoding: Decoding, aside: Path, spans: Sequence[SpeechSpan]) -> tuple[int, int, int, int]:
    """Samples written and muted, rate, channels."""
    done = muted = rate = channels = 0
    out: wave.Wave_write | None = None
    try:
        for block in decoding.blocks(_BLOCK_S):
            if out is None:
                rate, channels = block.sample_rate_hz, block.samples.shape[1]
                out = wave.open(str(aside), "wb")  # noqa: SIM115 - closed below
                out.setnchannels(channels)
                out.setsampwidth(2)
                out.setframerate(rate)
            elif (rate, channels) != (block.sample_rate_hz, block.samples.shape[1]):
                raise AudioUndecodable(f"{decoding.where}: its format changes on the way; no muted copy can keep it")
            if (done + len(block.samples)) * channels * 2 > _MOST_WAV_BYTES:
                raise AudioUndecodable(f"{decoding.where}: too long for a WAV file")
            silent = np.zeros(len(block.samples), dtype=bool)
            for start_s, end_s in spans:
                first = max(0, int((start_s - MARGIN_S) * rate) - done)
                silent[first : max(first, int((end_s + MARGIN_S) * rate) + 1 - done)] = True
            samples = np.clip(block.samples, -1.0, 1.0) * 32767.0
            samples[silent] = 0.0
            muted += int(silent.sum())
            out.writeframes(samples.round().astype("<i2").tobytes())
            done += len(silent)
    finally:
        if out is not None:
            out.close()
    if out is None:
        raise AudioUndecodable(f"{decoding.where}: no sound in it")
    return done, muted, rate, channels
