"""The recording of a live call: a WAV file that is complete at every moment but for the sizes in its header.

Every track's samples are written at their own place, so the tracks need not come in step. What no track has sent is
silence. `mend` writes the sizes, at the end of the call or after the process that wrote it was killed.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np

from pipeline.live.sound import Linear

HEADER_BYTES = 44
_SAMPLE_BYTES = 2


class GrowingRecording:
    """Writes one file, used from one thread.

    Raises OSError, from every method, when the disk is full or fails.
    """

    def __init__(self, path: Path, channels: int, sample_rate_hz: int) -> None:
        self.path = path
        self._channels = channels
        self._frame_bytes = channels * _SAMPLE_BYTES
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.pwrite(self._file, _header(channels, sample_rate_hz, 0), 0)
        self.frames = 0
        """Samples of the longest track so far."""

    def write(self, channel: int, first: int, samples: Linear) -> None:
        """Put samples of one channel at their place; the other channels keep what they have there."""
        if not len(samples):
            return
        place = HEADER_BYTES + first * self._frame_bytes
        frames = np.zeros((len(samples), self._channels), dtype="<i2")
        there = os.pread(self._file, frames.nbytes, place)
        whole = len(there) // self._frame_bytes
        if whole:
            frames[:whole] = np.frombuffer(there, dtype="<i2", count=whole * self._channels).reshape(whole, -1)
        frames[:, channel] = samples
        _write_all(self._file, frames.tobytes(), place)
        self.frames = max(self.frames, first + len(samples))

    def close(self) -> None:
        """Write the sizes, to the disk itself; idempotent."""
        if self._file >= 0:
            try:
                _write_sizes(self._file)
                os.fsync(self._file)
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Close the file as it is."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def mend(path: Path) -> int:
    """Write the sizes of a recording whose writer is gone. Returns its frames. Raises OSError."""
    file = os.open(path, os.O_RDWR)
    try:
        return _write_sizes(file)
    finally:
        os.close(file)


def _write_sizes(file: int) -> int:
    """Frames in the file; a last one that was not written whole is cut off."""
    header = os.pread(file, HEADER_BYTES, 0)
    if len(header) < HEADER_BYTES:
        return 0
    channels: int
    sample_rate_hz: int
    channels, sample_rate_hz = struct.unpack_from("<HI", header, 22)
    frames = (os.fstat(file).st_size - HEADER_BYTES) // (channels * _SAMPLE_BYTES)
    os.ftruncate(file, HEADER_BYTES + frames * channels * _SAMPLE_BYTES)
    os.pwrite(file, _header(channels, sample_rate_hz, frames), 0)
    return frames


def _header(channels: int, sample_rate_hz: int, frames: int) -> bytes:
    """RIFF WAVE, 16-bit linear."""
    frame_bytes = channels * _SAMPLE_BYTES
    size = frames * frame_bytes
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", HEADER_BYTES - 8 + size, b"WAVE", b"fmt ", 16, 1, channels, sample_rate_hz,
        sample_rate_hz * frame_bytes, frame_bytes, 8 * _SAMPLE_BYTES, b"data", size,
    )  # fmt: skip


def _write_all(file: int, content: bytes, place: int) -> None:
    rest = memoryview(content)
    while rest:
        written = os.pwrite(file, rest, place)
        place += written
        rest = rest[written:]
