"""Decoded channels on disk: raw little-endian float32 mono samples at 16 kHz, read by seeking."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from pipeline.disk import remove_folder
from pipeline.encryption.here import open_new, open_spooled, spool_is_sealed
from pipeline.records import SAMPLE_RATE_HZ, PreparedCall

Samples = npt.NDArray[np.float32]
"""Mono, 16 kHz, shape (samples,), full scale is 1."""

SAMPLE_BYTES = 4
_COPIED = 1 << 20
_DTYPE = np.dtype("<f4")


class SpoolWriter:
    """Writes channels of one call, a file each, block by block; their numbers begin with `first`."""

    def __init__(self, folder: Path, channels: int, first: int = 0) -> None:
        self.paths = tuple(folder / f"channel_{first + channel}.f32" for channel in range(channels))
        self.samples = 0
        self._sealed = spool_is_sealed()
        self._files: list[BinaryIO] = []
        for path in self.paths:
            self._files.append(open_new(path, sealed=self._sealed))

    def write(self, block: npt.NDArray[np.float32]) -> None:
        """Append `block`, shape (channels, samples)."""
        for samples, file in zip(block, self._files, strict=True):
            file.write(np.ascontiguousarray(samples, dtype=_DTYPE).data)
        self.samples += block.shape[1]

    def close(self) -> None:
        for file in self._files:
            file.close()

    def reopen(self) -> None:
        """Go on writing after `close`."""
        self._files = []
        for path in self.paths:
            self._files.append(_continued(path) if self._sealed else path.open("ab"))


def _continued(path: Path) -> BinaryIO:
    """A copy that is written on: the end of an encrypted file is sealed as its end."""
    before = path.with_suffix(".before")
    path.replace(before)
    file = open_new(path, sealed=True)
    with open_spooled(before) as content:
        shutil.copyfileobj(content, file, _COPIED)
    before.unlink()
    return file


def read_samples(path: Path, start_s: float, end_s: float) -> Samples:
    """The samples of a spooled channel from `start_s` to `end_s`, clamped to what is there. Raises OSError."""
    first = max(0, round(start_s * SAMPLE_RATE_HZ))
    last = max(first, round(end_s * SAMPLE_RATE_HZ))
    return read_range(path, first, last - first)


def read_range(path: Path, first: int, count: int) -> Samples:
    """`count` samples from sample `first` on, fewer at the end of the file. Raises OSError."""
    with open_spooled(path) as file:
        file.seek(first * SAMPLE_BYTES)
        content = file.read(count * SAMPLE_BYTES)
    return np.frombuffer(content, dtype=_DTYPE).astype(np.float32, copy=False)


def read_blocks(path: Path, block_samples: int, first: int = 0, last: int | None = None) -> Iterator[Samples]:
    """Samples `first` to `last` (not included; None: to the end) in blocks, the last one shorter. Raises OSError."""
    with open_spooled(path) as file:
        file.seek(first * SAMPLE_BYTES)
        left = float("inf") if last is None else max(0, last - first)
        while left and (content := file.read(int(min(block_samples, left)) * SAMPLE_BYTES)):
            left -= len(content) // SAMPLE_BYTES
            yield np.frombuffer(content, dtype=_DTYPE).astype(np.float32, copy=False)


def rewrite(path: Path, offset: float, gain: float, block_samples: int = 1 << 18) -> None:
    """Replace every sample x by (x - offset) * gain, limited to full scale, in place. Raises OSError."""
    if spool_is_sealed():
        _rewrite_aside(path, offset, gain, block_samples)
        return
    with path.open("r+b") as file:
        position = 0
        while content := file.read(block_samples * SAMPLE_BYTES):
            file.seek(position)
            file.write(_moved(content, offset, gain))
            position += len(content)
            file.seek(position)


def _rewrite_aside(path: Path, offset: float, gain: float, block_samples: int) -> None:
    """In another file: nothing is encrypted twice with the same key and nonce."""
    aside = path.with_suffix(".aside")
    with open_spooled(path) as before, open_new(aside, sealed=True) as file:
        while content := before.read(block_samples * SAMPLE_BYTES):
            file.write(_moved(content, offset, gain))
    aside.replace(path)


def write_aside(path: Path, blocks: Iterable[Samples]) -> Path:
    """A file beside a channel's, to replace it with other samples, which may be made of its own. Raises OSError."""
    aside = path.with_suffix(".aside")
    with open_new(aside, sealed=spool_is_sealed()) as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype=_DTYPE).data)
    return aside


def _moved(content: bytes, offset: float, gain: float) -> memoryview:
    samples = (np.frombuffer(content, dtype=_DTYPE) - np.float32(offset)) * np.float32(gain)
    moved: memoryview = np.clip(samples, -1.0, 1.0).astype(_DTYPE).data
    return moved


def discard(call: PreparedCall) -> None:
    """Remove a call's spool files and the folder made for them."""
    for folder in {channel.samples_path.parent for channel in call.channels}:
        remove_folder(folder)
