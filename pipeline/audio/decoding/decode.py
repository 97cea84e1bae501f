"""Recordings to float32 samples per channel, block by block, through PyAV (FFmpeg). Channels are never mixed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.audio.decoding.container import Layout, open_container
from pipeline.encryption.here import open_file
from pipeline.errors import AudioUndecodable, SourceUnreadable

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

    AudioPacket = Packet[AudioStream]

_MAX_GAP_S = 60.0
"""A larger jump of time stamps is an error, not missing sound."""
_MAX_ERRORS_IN_A_ROW = 10_000
_LEAST_GAP_S = 0.05
"""A smaller jump of time stamps is rounding."""
_SPARSE_CONTAINERS = frozenset({"ogg", "mov,mp4,m4a,3gp,3g2,mj2", "asf", "matroska,webm"})
"""Containers in which a writer may omit silence (discontinuous transmission): a gap is no error there."""
_EXACT_CONTAINERS = frozenset({"flac", "mov,mp4,m4a,3gp,3g2,mj2", "asf", "matroska,webm"})
"""Containers whose header states the duration, rather than FFmpeg guessing it from the bit rate."""


@dataclass(frozen=True, slots=True)
class DecodedBlock:
    """Samples at the rate of the recording, shape (samples, channels), full scale is 1."""

    sample_rate_hz: int
    samples: npt.NDArray[np.float32]


@dataclass(slots=True)
class Decoding:
    """One recording being decoded. Filled in while `blocks` runs."""

    path: Path
    layout: Layout = field(default_factory=Layout)
    track: int | None = None
    """Among the audio tracks of the file, from 0; None where it has but one."""
    name: str = ""
    """For messages, where `path` is a copy under a name of ours."""
    container: str = ""
    codec: str = ""
    sample_rate_hz: int = 0
    channels: int = 0
    claimed_duration_s: float | None = None
    """Only where the container states it (not for WAV: see `riff`)."""
    decode_errors: int = 0
    gaps_filled: int = 0
    format_changes: int = 0

    @property
    def where(self) -> str:
        """The file, and which of its tracks."""
        name = self.name or self.path.name
        return name if self.track is None else f"{name}, audio track {self.track + 1}"

    def blocks(self, block_s: float) -> Generator[DecodedBlock, None, None]:
        """Decode in blocks of about `block_s`.

        Broken packets are replaced by silence of their length, so that later times stay right.
        Raises AudioUndecodable (no decoder, no audio stream), SourceUnreadable (vanished, no permission, I/O error).
        """
        import av.error

        try:
            with open_container(self.path, self.layout) as container:
                if not container.streams.audio:
                    raise AudioUndecodable(f"{self.where}: no audio stream in it; is it a recording?")
                stream = container.streams.audio[self.track or 0]
                if stream.codec_context is None:
                    raise AudioUndecodable(f"{self.where}: its codec is unknown to FFmpeg; convert the file")
                self._describe(container, stream)
                yield from _gather(self._frames(container, stream), block_s)
        except (FileNotFoundError, PermissionError, IsADirectoryError, TimeoutError) as error:
            raise SourceUnreadable(f"{self.path.name}: cannot be read now: {error}; it is tried again") from error
        except av.error.FFmpegError as error:
            raise AudioUndecodable(f"{self.where}: no decoder makes sense of it ({error}); replace the file") from error
        except OSError as error:
            raise SourceUnreadable(f"{self.path.name}: cannot be read now: {error}; it is tried again") from error

    def _describe(self, container: InputContainer, stream: AudioStream) -> None:
        self.container = container.format.name
        self.codec = stream.codec_context.name
        self.sample_rate_hz = stream.codec_context.sample_rate
        self.channels = stream.codec_context.channels
        stated = self.container in _EXACT_CONTAINERS or (self.container == "mp3" and _has_frame_count(self.path))
        if stated and stream.duration is not None and stream.time_base is not None:
            self.claimed_duration_s = float(stream.duration * stream.time_base)

    def _frames(self, container: InputContainer, stream: AudioStream) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """(rate, samples of shape (samples, channels)) for each frame."""
        clock = _Clock()
        packets = _packets(container, stream, self._note_error)
        for frame in sounding_frames(packets, _MAX_ERRORS_IN_A_ROW, self._note_error):
            rate, samples = self._samples(frame)
            if rate != self.sample_rate_hz:
                clock = _Clock()  # time stamps count in the rate of the beginning: nothing can be told by them
            elif missing := clock.missing(frame, rate):
                self._note_gap()
                yield rate, np.zeros((missing, self.channels), dtype=np.float32)
            yield rate, samples

    def _samples(self, frame: AudioFrame) -> tuple[int, npt.NDArray[np.float32]]:
        raw = frame.to_ndarray()
        channels = frame.layout.nb_channels
        shaped = raw.T if frame.format.is_planar else raw.reshape(-1, channels)
        rate = frame.sample_rate or self.sample_rate_hz
        if not self.channels or not self.sample_rate_hz:
            self.channels, self.sample_rate_hz = self.channels or channels, self.sample_rate_hz or rate
        if channels != self.channels or rate != self.sample_rate_hz:
            self.format_changes += 1
        if channels != self.channels:
            fitted = np.zeros((len(shaped), self.channels), dtype=shaped.dtype)
            fitted[:, : min(channels, self.channels)] = shaped[:, : self.channels]
            shaped = fitted
        return rate, _to_float(shaped)

    def _note_error(self) -> None:
        self.decode_errors += 1

    def _note_gap(self) -> None:
        self.gaps_filled += 1
        if self.container not in _SPARSE_CONTAINERS:
            self._note_error()


class _Clock:
    """Follows the time stamps of frames: a broken or missing packet becomes silence of its length."""

    def __init__(self) -> None:
        self._next_s: float | None = None

    def missing(self, frame: AudioFrame, rate: int) -> int:
        """Samples missing before `frame`; 0 when it follows directly, or has no usable time stamp."""
        stamp = frame.time
        gap = 0.0
        if stamp is not None and self._next_s is not None:
            gap = stamp - self._next_s
        if not _LEAST_GAP_S < gap <= _MAX_GAP_S:
            gap = 0.0
        if stamp is not None and (self._next_s is None or gap or abs(stamp - self._next_s) > _MAX_GAP_S):
            self._next_s = stamp
        if self._next_s is not None:
            self._next_s += frame.samples / rate
        return round(gap * rate)


def _packets(container: InputContainer, stream: AudioStream, on_error: Callable[[], None]) -> Iterator[AudioPacket]:
    """Packets until the end. A container that breaks off in the middle ends there and counts as an error."""
    import av.error

    seen = False
    try:
        for packet in container.demux(stream):
            seen = True
            yield packet
    except (av.error.FFmpegError, ValueError):
        if not seen:
            raise
        on_error()


def sounding_frames(
    packets: Iterable[AudioPacket], most_broken: int, on_error: Callable[[], None] = lambda: None
) -> Iterator[AudioFrame]:
    """The frames that hold samples, until the end or until more than `most_broken` packets in a row make no sense.

    Args:
        on_error: called for each packet that makes none.
    """
    import av.error

    in_a_row = 0
    for packet in packets:
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError):
            on_error()
            in_a_row += 1
            if in_a_row > most_broken:
                return
        else:
            in_a_row = 0
            yield from (frame for frame in frames if frame.samples)


def _gather(frames: Iterator[tuple[int, npt.NDArray[np.float32]]], block_s: float) -> Iterator[DecodedBlock]:
    """Frames (some 20 ms each) to blocks: all later steps work on long arrays."""
    waiting: list[npt.NDArray[np.float32]] = []
    count = rate = 0
    for frame_rate, samples in frames:
        if waiting and (frame_rate != rate or count >= block_s * rate):
            yield DecodedBlock(rate, np.concatenate(waiting))
            waiting, count = [], 0
        rate = frame_rate
        waiting.append(samples)
        count += len(samples)
    if waiting:
        yield DecodedBlock(rate, np.concatenate(waiting))


def _to_float(samples: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """The decoder's samples, of any format, as float32 with full scale 1."""
    if samples.dtype == np.int16:
        return samples.astype(np.float32) * np.float32(1 / 32768)
    if samples.dtype == np.int32:
        return samples.astype(np.float32) * np.float32(1 / 2147483648)
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - np.float32(128)) * np.float32(1 / 128)
    if samples.dtype == np.int64:
        return (samples.astype(np.float64) / 2.0**63).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        return samples.astype(np.float32)


def _has_frame_count(path: Path) -> bool:
    """Whether an MP3 carries a Xing, Info or VBRI header, which states how long it is."""
    with open_file(path) as file:
        head = file.read(1 << 16)
    return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))
