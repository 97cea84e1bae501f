"""Encrypted files that still change: AES-256-GCM in small blocks, each under a new random nonce whenever it is written.

For what lasts as long as a call: its recording, into which tracks write at their own places, and its samples, which
grow while they are read. A block that was changed, or comes from another place or file, is noticed; that an older state
of a block was put back, or that blocks were cut off the end, is not: see `sealed` for files that are to last.

A file is the header of `sealed` with another magic, then blocks of nonce, content and tag; the last one is shorter.
"""

from __future__ import annotations

import io
import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pipeline.disk import write_at
from pipeline.encryption.keys import KEY_BYTES, FileDamaged, KeyRing
from pipeline.encryption.sealed import HEADER_BYTES, TAG_BYTES, new_header, read_header
from pipeline.seekable import SeekableReader

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAGIC = b"EARGROW1"
BLOCK_BYTES = 4096
_NONCE_BYTES = 12
_MORE_BYTES = _NONCE_BYTES + TAG_BYTES
_TRIES, _PAUSE_S = 40, 0.005
"""A block that is being written at this moment is read again."""


def is_changing(path: Path) -> bool:
    """Whether a file is one of these. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class ChangingFile:
    """Plain content by its place. For one writer at a time; others may read meanwhile.

    Raises OSError, and FileDamaged for a block that cannot be opened.
    """

    def __init__(self, descriptor: int, key: bytes, fixed: bytes, name: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._file = descriptor
        self._cipher = AESGCM(key)
        self._fixed = fixed
        self._name = name

    @classmethod
    def create(cls, path: Path, ring: KeyRing) -> Self:
        """A new file, for its owner alone. Raises OSError, KeyMissing."""
        key = os.urandom(KEY_BYTES)
        header, fixed = new_header(MAGIC, BLOCK_BYTES, key, ring)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        write_at(descriptor, header, 0)
        return cls(descriptor, key, fixed, path.name)

    @classmethod
    def open(cls, path: Path, ring: KeyRing, *, writable: bool = False) -> Self:
        """Raises FileDamaged, KeyMissing, OSError."""
        with path.open("rb") as file:
            header = read_header(file, path.name, MAGIC)
        key = ring.unwrap(header.wrapped, header.fixed)
        return cls(os.open(path, os.O_RDWR if writable else os.O_RDONLY), key, header.fixed, path.name)

    @property
    def size(self) -> int:
        """Bytes of plain content."""
        whole, rest = divmod(max(0, os.fstat(self._file).st_size - HEADER_BYTES), BLOCK_BYTES + _MORE_BYTES)
        return whole * BLOCK_BYTES + max(0, rest - _MORE_BYTES)

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes at the end of the file."""
        first, skip = divmod(offset, BLOCK_BYTES)
        beyond = -(-min(offset + length, self.size) // BLOCK_BYTES)
        return b"".join(map(self._block, range(first, beyond)))[skip : skip + length]

    def write(self, offset: int, content: bytes) -> None:
        """Zeros fill what lies between the end of the file and `offset`."""
        size = self.size
        if offset > size:
            content, offset = bytes(offset - size) + content, size
        rest = memoryview(content)
        while rest:
            index, skip = divmod(offset, BLOCK_BYTES)
            block = bytearray(self._block(index) if index * BLOCK_BYTES < size else b"")
            part = rest[: BLOCK_BYTES - skip]
            block[skip : skip + len(part)] = part
            self._put(index, bytes(block))
            offset, rest = offset + len(part), rest[len(part) :]

    def truncate(self, size: int) -> None:
        index, left = divmod(size, BLOCK_BYTES)
        kept = self._block(index)[:left] if left else b""
        os.ftruncate(self._file, HEADER_BYTES + index * (BLOCK_BYTES + _MORE_BYTES))
        if kept:
            self._put(index, kept)

    def cut_off_what_was_not_written_whole(self) -> None:
        """After its writer was killed, or the disk was full."""
        size = self.size
        last = max(0, size - 1) // BLOCK_BYTES
        try:
            self.read(last * BLOCK_BYTES, 1)
        except FileDamaged:
            size = last * BLOCK_BYTES
        self.truncate(size)

    def flush(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        """Idempotent."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _put(self, index: int, block: bytes) -> None:
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, block, self._bound(index))
        write_at(self._file, nonce + sealed, HEADER_BYTES + index * (BLOCK_BYTES + _MORE_BYTES))

    def _block(self, index: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        for _ in range(_TRIES):
            content = os.pread(
                self._file, BLOCK_BYTES + _MORE_BYTES, HEADER_BYTES + index * (BLOCK_BYTES + _MORE_BYTES)
            )
            try:
                return self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], self._bound(index))
            except (InvalidTag, ValueError):  # ValueError: shorter than a nonce
                time.sleep(_PAUSE_S)
        raise FileDamaged(f"{self._name}: its block {index} was changed, or not written whole")

    def _bound(self, index: int) -> bytes:
        return self._fixed + struct.pack(">Q", index)


class ChangingReader(SeekableReader):
    """Such a file as a file that is read, as long as it is when it is read."""

    def __init__(self, file: ChangingFile) -> None:
        super().__init__()
        self._file = file

    @property
    def size(self) -> int:
        return self._file.size

    def read_at(self, offset: int, length: int) -> bytes:
        return self._file.read(offset, length)

    def close(self) -> None:
        self._file.close()
        super().close()


class ChangingAppender(io.RawIOBase):
    """Such a file as one that grows at its end; nothing of it is kept back."""

    def __init__(self, file: ChangingFile) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, content: ReadableBuffer, /) -> int:
        plain = bytes(content)
        self._file.write(self._file.size, plain)
        return len(plain)

    def close(self) -> None:
        self._file.close()
        super().close()
