"""A file read in a simpler form: our own bytes and stretches of the file, one after the other."""

from __future__ import annotations

import io
from typing import BinaryIO

Pieces = tuple[bytes | tuple[int, int], ...]
"""Bytes, or (offset, length) of a stretch of the file."""


class PiecedFile(io.RawIOBase):
    """The `pieces` of `file` joined, readable and seekable; the file itself stays unchanged."""

    def __init__(self, file: BinaryIO, pieces: Pieces) -> None:
        super().__init__()
        self._file = file
        self._pieces = [(piece, len(piece) if isinstance(piece, bytes) else piece[1]) for piece in pieces]
        self._length = sum(length for _, length in self._pieces)
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._length}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._length if size is None or size < 0 else size
        content = bytearray()
        start = 0
        for piece, length in self._pieces:
            skip = self._place - start
            if len(content) < wanted and 0 <= skip < length:
                count = min(length - skip, wanted - len(content))
                content += self._of(piece, skip, count)
                self._place = start + skip + count
            start += length
        return bytes(content)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _of(self, piece: bytes | tuple[int, int], skip: int, count: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[skip : skip + count]
        self._file.seek(piece[0] + skip)
        return self._file.read(count)
