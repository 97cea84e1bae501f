"""Encrypted files that are read at random: AES-256-GCM in blocks, after the STREAM construction.

Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance" (2015),
section 7: a block's nonce holds its index and whether it is the last, under a key that no other file has. Blocks that
were changed, left out, reordered, or taken from another file are noticed when they are read, and the end of a file that
was cut off when it is opened.

A file is the fixed part (magic, block size, file id; bound to every block), two slots for the wrapped key, blocks.
Only one slot counts: rotation writes the other, so that a crash in between leaves a file that can be read.
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from pipeline.encryption.keys import KEY_BYTES, FileDamaged, KeyRing, WrappedKey
from pipeline.seekable import SeekableReader

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"EARSEAL1"
BLOCK_BYTES = 64 * 1024
TAG_BYTES = 16
_FIXED = struct.Struct("<8sI16s4x")
_SLOT_HEAD = struct.Struct("<III")
_SLOT_BYTES = 1008
HEADER_BYTES = _FIXED.size + 2 * _SLOT_BYTES
_MOST_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself."""

    fixed: bytes
    block_bytes: int
    file_id: bytes
    slot: int
    """Which one counts."""
    generation: int
    wrapped: WrappedKey


def is_sealed(path: Path) -> bool:
    """Whether a file is one of ours. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def new_header(magic: bytes, block_bytes: int, key: bytes, ring: KeyRing) -> tuple[bytes, bytes]:
    """Of a new file, and its fixed part. Raises KeyMissing."""
    fixed = _FIXED.pack(magic, block_bytes, os.urandom(16))
    return fixed + _slot_bytes(ring.wrap(key, fixed), 1) + b"\0" * _SLOT_BYTES, fixed


def read_header(file: BinaryIO, name: str, kind: bytes = MAGIC) -> Header:
    """`kind`: the magic it must have. Raises FileDamaged, OSError."""
    content = file.read(HEADER_BYTES)
    if len(content) < HEADER_BYTES:
        raise FileDamaged(f"{name}: encrypted, and cut off within its header")
    fixed = content[: _FIXED.size]
    magic, block_bytes, file_id = _FIXED.unpack(fixed)
    if magic != kind or not 0 < block_bytes <= _MOST_BLOCK_BYTES:
        raise FileDamaged(f"{name}: its header was changed")
    slots = [_slot(content[_FIXED.size + number * _SLOT_BYTES :][:_SLOT_BYTES]) for number in (0, 1)]
    valid = [(generation, number, key) for number, found in enumerate(slots) if found for generation, key in [found]]
    if not valid:
        raise FileDamaged(f"{name}: the wrapped key in its header was changed")
    generation, slot, wrapped = max(valid, key=lambda slot_read: slot_read[0])
    return Header(fixed, block_bytes, file_id, slot, generation, wrapped)


def _slot(content: bytes) -> tuple[int, WrappedKey] | None:
    length, checksum, generation = _SLOT_HEAD.unpack_from(content)
    said = content[_SLOT_HEAD.size :][:length]
    if length > _SLOT_BYTES - _SLOT_HEAD.size or zlib.crc32(said) != checksum or not generation:
        return None
    try:
        values = json.loads(said)
        parts = [base64.b64decode(values[name]) for name in ("material", "nonce", "content")]
        return generation, WrappedKey(str(values["key"]), *parts)
    except (ValueError, KeyError, TypeError):
        return None


def _slot_bytes(wrapped: WrappedKey, generation: int) -> bytes:
    parts = {"material": wrapped.material, "nonce": wrapped.nonce, "content": wrapped.content}
    said = json.dumps(
        {"key": wrapped.key_id, **{name: base64.b64encode(part).decode() for name, part in parts.items()}}
    ).encode()
    if len(said) > _SLOT_BYTES - _SLOT_HEAD.size:
        raise ValueError(f"the wrapped key takes {len(said)} bytes; there is room for {_SLOT_BYTES - _SLOT_HEAD.size}")
    return (_SLOT_HEAD.pack(len(said), zlib.crc32(said), generation) + said).ljust(_SLOT_BYTES, b"\0")


def _nonce(file_id: bytes, index: int, *, last: bool) -> bytes:
    """12 bytes: 7 of the file, the block's index, whether it is the last."""
    return file_id[:7] + struct.pack(">IB", index, last)


class SealedReader(SeekableReader):
    """The plain content of an encrypted file, to be read and sought like any file.

    Raises FileDamaged, KeyMissing, OSError: when it is made for a file that was cut off, later for blocks.
    """

    def __init__(self, file: BinaryIO, ring: KeyRing, name: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        super().__init__()
        self._file = file
        self._name = name
        self.name = name
        """For decoders, to whom a suffix tells the format of sound without a header."""
        try:
            self.header = read_header(file, name)
            try:
                key = ring.unwrap(self.header.wrapped, self.header.fixed)
            except FileDamaged as error:
                raise FileDamaged(f"{name}: {error}") from None
            self._cipher: AESGCM = AESGCM(key)
            self._blocks, self._size = self._measured(file.seek(0, io.SEEK_END) - HEADER_BYTES)
            self._kept = (-1, b"")
            self._block(self._blocks - 1)
        except BaseException:
            file.close()
            raise

    def _measured(self, sealed_bytes: int) -> tuple[int, int]:
        whole = self.header.block_bytes + TAG_BYTES
        blocks = -(-sealed_bytes // whole)
        if sealed_bytes - (blocks - 1) * whole < TAG_BYTES or not blocks:
            raise FileDamaged(f"{self._name}: cut off")
        return blocks, sealed_bytes - blocks * TAG_BYTES

    def _block(self, index: int) -> bytes:
        if self._kept[0] != index:
            self._kept = (index, self._read_block(index))
        return self._kept[1]

    def _read_block(self, index: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        whole, last = self.header.block_bytes + TAG_BYTES, index == self._blocks - 1
        self._file.seek(HEADER_BYTES + index * whole)
        content = self._file.read(whole)
        try:
            return self._opened(content, index, last=last)
        except InvalidTag:
            pass
        try:
            self._opened(content, index, last=not last)
        except InvalidTag:
            raise FileDamaged(f"{self._name}: its block {index} was changed, or is another file's") from None
        raise FileDamaged(f"{self._name}: cut off after its block {index}" if last else f"{self._name}: too long")

    def _opened(self, content: bytes, index: int, *, last: bool) -> bytes:
        return self._cipher.decrypt(_nonce(self.header.file_id, index, last=last), content, self.header.fixed)

    @property
    def size(self) -> int:
        """Bytes of plain content."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset >= self._size:
            return b""
        index, skip = divmod(offset, self.header.block_bytes)
        return self._block(index)[skip : skip + length]

    def close(self) -> None:
        self._file.close()
        super().close()


class SealedWriter(io.RawIOBase):
    """Writes a new encrypted file from its beginning to its end.

    Only `close` makes it whole; `abandon` leaves it cut off. Raises OSError, KeyMissing.
    """

    def __init__(self, path: Path, ring: KeyRing, block_bytes: int = BLOCK_BYTES) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        super().__init__()
        self._file_id = os.urandom(16)
        self._fixed = _FIXED.pack(MAGIC, block_bytes, self._file_id)
        self._block_bytes = block_bytes
        key = os.urandom(KEY_BYTES)
        wrapped = ring.wrap(key, self._fixed)
        self._cipher = AESGCM(key)
        self._held = bytearray()
        self._index = 0
        self._file = path.open("wb")
        self._file.write(self._fixed + _slot_bytes(wrapped, 1) + b"\0" * _SLOT_BYTES)

    def writable(self) -> bool:
        return True

    def write(self, content: ReadableBuffer, /) -> int:
        view = memoryview(content).cast("B")
        self._held += view
        while len(self._held) > self._block_bytes:  # the last block must be known as such: one is kept
            block = bytes(self._held[: self._block_bytes])
            del self._held[: self._block_bytes]
            self._put(block, last=False)
        return len(view)

    def _put(self, block: bytes, *, last: bool) -> None:
        nonce = _nonce(self._file_id, self._index, last=last)
        self._index += 1
        self._file.write(self._cipher.encrypt(nonce, block, self._fixed))

    def close(self) -> None:
        if not self.closed:
            try:
                self._put(bytes(self._held), last=True)
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Close without an end: whoever opens it is told that it was cut off."""
        self._held.clear()
        try:
            self._file.close()
        finally:
            super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()


def rewrap(path: Path, ring: KeyRing) -> bool:
    """Wrap a file's key anew with the key for new files; its blocks stay. False where that is so already.

    The old wrapped key is gone afterwards. Raises FileDamaged, KeyMissing, OSError.
    """
    with path.open("r+b") as file:
        header = read_header(file, path.name)
        if header.wrapped.key_id == ring.key_id and _other_slot_is_empty(file, header):
            return False
        key = ring.unwrap(header.wrapped, header.fixed)
        other = 1 - header.slot
        _write_slot(file, other, _slot_bytes(ring.wrap(key, header.fixed), header.generation + 1))
        _write_slot(file, header.slot, b"\0" * _SLOT_BYTES)
    return True


def _other_slot_is_empty(file: BinaryIO, header: Header) -> bool:
    file.seek(_FIXED.size + (1 - header.slot) * _SLOT_BYTES)
    return not any(file.read(_SLOT_BYTES))


def _write_slot(file: BinaryIO, slot: int, content: bytes) -> None:
    file.seek(_FIXED.size + slot * _SLOT_BYTES)
    file.write(content)
    file.flush()
    os.fsync(file.fileno())
