"""A file that is read here and there, of which only its size and what stands at a place must be told."""

from __future__ import annotations

import io
from abc import abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class SeekableReader(io.RawIOBase):
    """For one thread at a time."""

    _place = 0

    @property
    @abstractmethod
    def size(self) -> int:
        """Bytes in all."""

    @abstractmethod
    def read_at(self, offset: int, length: int) -> bytes:
        """At most `length` (over 0) bytes from `offset`; none at or beyond the end."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        position = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence] + offset
        if position < 0:
            raise OSError("before the beginning of the file")
        self._place = position
        return position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        content = self.read_at(self._place, len(view)) if len(view) else b""
        view[: len(content)] = content
        self._place += len(content)
        return len(content)
