"""A recording decoded for listening, in a process of its own: peaks to draw, and files that any browser plays."""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from pipeline.audio.decoding.ingest import Ingested, SourceFile, ingest_call
from pipeline.audio.decoding.spool import read_range
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.disk import remove_folder
from pipeline.encryption.here import open_new
from pipeline.listening.muted import MARGIN_S
from pipeline.listening.recordings import StoredRecording, found_again, source_of
from pipeline.records import SAMPLE_RATE_HZ, SpeechSpan
from pipeline.sources.source import fetch_files

POINTS = 1000
"""Peaks per channel: more cannot be told apart on a screen."""
AAC = ".m4a"
AAC_BITS_PER_SECOND = 32_000
"""Per channel; speech of 8 kHz bandwidth sounds as it did."""
_BLOCK = SAMPLE_RATE_HZ * 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFile:
    """A file to write: WAV, or AAC where it ends in `.m4a`."""

    path: Path
    channels: tuple[int, ...] = ()
    """Which of the recording's channels; all of them where empty."""
    sealed: bool = False
    """WAV alone: encrypt it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTask:
    """A recording to decode."""

    recording: StoredRecording
    spool: Path
    """Folder for what is needed in between."""
    files: tuple[SoundFile, ...] = ()
    quiet: tuple[SpeechSpan, ...] = ()
    """Where nothing may be heard, on any channel; see `MuteTask.spans`."""
    fetch_limit_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The highest sample, 0..1, of each stretch of each channel; the stretches divide the call evenly."""

    channels: tuple[tuple[float, ...], ...]
    duration_s: float


def build_listener(source: InputSettings, audio: AudioSettings) -> Callable[[ListenTask], Peaks]:
    """Runs in the spawned process. What it returns raises what decoding raises: SourceUnreadable, AudioUndecodable."""

    def listen(task: ListenTask) -> Peaks:
        task.spool.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="listen-", dir=task.spool))
        try:
            found = found_again(task.recording, source)
            with fetch_files(source_of(task.recording, source), found, folder, task.fetch_limit_s) as paths:
                files = [
                    SourceFile(path=path, name=file.file_name) for path, file in zip(paths, found.files, strict=True)
                ]
                ingested = ingest_call(files, folder, audio, source.raw_formats)
            for file in task.files:
                _write(file, ingested, task.quiet)
            return Peaks(
                channels=tuple(
                    flat_within(peaks_of(channel.levels.peaks), task.quiet, ingested.duration_s)
                    for channel in ingested.channels
                ),
                duration_s=ingested.duration_s,
            )
        finally:
            remove_folder(folder)

    return listen


def peaks_of(frames: npt.NDArray[np.float32], points: int = POINTS) -> tuple[float, ...]:
    """The highest of each of `points` even stretches of `frames` (fewer, where there are fewer frames), 0..1."""
    values = np.minimum(np.asarray(frames, dtype=np.float64), 1.0)
    if not len(values):
        return ()
    edges = np.linspace(0, len(values), min(points, len(values)) + 1).astype(int)[:-1]
    return tuple(round(float(value), 4) for value in np.maximum.reduceat(values, edges))


def flat_within(peaks: Sequence[float], quiet: Sequence[SpeechSpan], duration_s: float) -> tuple[float, ...]:
    """Peaks over `duration_s` seconds, 0 where nothing is heard."""
    length_s = duration_s / max(1, len(peaks))
    return tuple(
        0.0
        if any(
            start_s - MARGIN_S < (index + 1) * length_s and index * length_s < end_s + MARGIN_S
            for start_s, end_s in quiet
        )
        else peak
        for index, peak in enumerate(peaks)
    )


def _write(file: SoundFile, ingested: Ingested, quiet: Sequence[SpeechSpan]) -> None:
    """16 kHz, block by block, as the file's suffix says; it appears whole."""
    channels = file.channels or tuple(range(len(ingested.channels)))
    aside = file.path.with_name(f".part-{file.path.name}")
    file.path.parent.mkdir(parents=True, exist_ok=True)
    blocks = _blocks(ingested, channels, quiet)
    if file.path.suffix == AAC:
        _write_aac(aside, len(channels), blocks)
    else:
        with open_new(aside, sealed=file.sealed) as out:
            _write_wav(out, len(channels), ingested.samples, blocks)
    aside.replace(file.path)


def _blocks(
    ingested: Ingested, channels: Sequence[int], quiet: Sequence[SpeechSpan]
) -> Iterator[npt.NDArray[np.float32]]:
    """Samples of these channels, shape (channels, samples), within -1..1."""
    for first in range(0, ingested.samples, _BLOCK):
        count = min(_BLOCK, ingested.samples - first)
        block = np.stack([read_range(ingested.channels[channel].path, first, count) for channel in channels])
        for start_s, end_s in quiet:
            begin = round((start_s - MARGIN_S) * SAMPLE_RATE_HZ) - first
            end = round((end_s + MARGIN_S) * SAMPLE_RATE_HZ) - first
            block[:, max(0, begin) : max(0, end)] = 0.0
        yield np.clip(block, -1.0, 1.0)


def _write_wav(file: BinaryIO, channels: int, samples: int, blocks: Iterator[npt.NDArray[np.float32]]) -> None:
    with wave.open(file, "wb") as out:
        out.setnframes(samples)  # known before, so that the header is right at once
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        for block in blocks:
            out.writeframes((block.T * 32767.0).astype("<i2").tobytes())


def _write_aac(path: Path, channels: int, blocks: Iterator[npt.NDArray[np.float32]]) -> None:
    import av

    layout = "mono" if channels == 1 else "stereo" if channels == 2 else f"{channels}C"
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=SAMPLE_RATE_HZ)
        stream.codec_context.layout = layout
        stream.codec_context.bit_rate = AAC_BITS_PER_SECOND * channels
        sample = 0
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
            frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, sample
            sample += block.shape[1]
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
