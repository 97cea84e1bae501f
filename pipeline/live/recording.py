"""The recording of a live call: a WAV file that is complete at every moment but for the sizes in its header.

Every track's samples are written at their own place, so the tracks need not come in step. What no track has sent is
silence. `mend` writes the sizes, at the end of the call or after the process that wrote it was killed. Where recordings
are encrypted, this one is from its first sample on.
"""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Protocol

import numpy as np

from pipeline.encryption.changing import ChangingFile, is_changing
from pipeline.encryption.here import recordings_are_sealed, ring
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
        self._file: _File | None = ChangingFile.create(path, ring()) if recordings_are_sealed() else _Plain.create(path)
        self._file.write(0, _header(channels, sample_rate_hz, 0))
        self.frames = 0
        """Samples of the longest track so far."""

    def write(self, channel: int, first: int, samples: Linear) -> None:
        """Put samples of one channel at their place; the other channels keep what they have there."""
        if not len(samples):
            return
        if self._file is None:
            raise OSError(errno.EBADF, "the recording is closed")
        offset = HEADER_BYTES + first * self._frame_bytes
        frames = np.zeros((len(samples), self._channels), dtype="<i2")
        there = self._file.read(offset, frames.nbytes)
        whole = len(there) // self._frame_bytes
        if whole:
            frames[:whole] = np.frombuffer(there, dtype="<i2", count=whole * self._channels).reshape(whole, -1)
        frames[:, channel] = samples
        self._file.write(offset, frames.tobytes())
        self.frames = max(self.frames, first + len(samples))

    def close(self) -> None:
        """Write the sizes, to the disk itself; idempotent."""
        if self._file is not None:
            try:
                _write_sizes(self._file)
                self._file.flush()
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Close the file as it is."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


class _File(Protocol):
    """Plain content by its place."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes: ...

    def write(self, offset: int, content: bytes) -> None: ...

    def truncate(self, size: int) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class _Plain:
    """As it lies on the disk."""

    def __init__(self, descriptor: int) -> None:
        self._file = descriptor

    @classmethod
    def create(cls, path: Path) -> _Plain:
        return cls(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

    @property
    def size(self) -> int:
        return os.fstat(self._file).st_size

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._file, length, offset)

    def write(self, offset: int, content: bytes) -> None:
        rest = memoryview(content)
        while rest:
            written = os.pwrite(self._file, rest, offset)
            offset += written
            rest = rest[written:]

    def truncate(self, size: int) -> None:
        os.ftruncate(self._file, size)

    def flush(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def mend(path: Path) -> int:
    """Write the sizes of a recording whose writer is gone. Returns its frames.

    Raises OSError; FileDamaged and KeyMissing for an encrypted one.
    """
    if not is_changing(path):
        file: _File = _Plain(os.open(path, os.O_RDWR))
    else:
        file = sealed = ChangingFile.open(path, ring(), writable=True)
        sealed.cut_off_what_was_not_written_whole()
    try:
        return _write_sizes(file)
    finally:
        file.close()


def _write_sizes(file: _File) -> int:
    """Frames in the file; a last one that was not written whole is cut off."""
    header = file.read(0, HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return 0
    channels: int
    sample_rate_hz: int
    channels, sample_rate_hz = struct.unpack_from("<HI", header, 22)
    frames = (file.size - HEADER_BYTES) // (channels * _SAMPLE_BYTES)
    file.truncate(HEADER_BYTES + frames * channels * _SAMPLE_BYTES)
    file.write(0, _header(channels, sample_rate_hz, frames))
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
