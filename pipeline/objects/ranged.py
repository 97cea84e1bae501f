"""An object as a file that is read here and there, a block at a time."""

from __future__ import annotations

import io
from collections import OrderedDict
from contextlib import closing

from pipeline.errors import SourceUnreadable
from pipeline.objects.port import BLOCK, ConnectionBroke, ObjectStore, Span, StoredObject, StoreRefused
from pipeline.objects.s3 import FIRST_WAIT_S, LONGEST_WAIT_S
from pipeline.retries import retrying

_KEPT_BLOCKS = 16


class RangedFile(io.RawIOBase):
    """One version of an object, seekable. Keeps the blocks read last. For one thread at a time.

    Reading raises SourceUnreadable.
    """

    def __init__(self, store: ObjectStore, held: StoredObject, attempts: int) -> None:
        super().__init__()
        self._store = store
        self._held = held
        self._place = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._again = retrying(
            lambda error: isinstance(error, ConnectionBroke),
            first_wait_s=FIRST_WAIT_S,
            longest_wait_s=LONGEST_WAIT_S,
            attempts=attempts,
        )

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._held.size_bytes}[whence]
        if start + offset < 0:
            raise OSError("before the beginning of the object")
        self._place = start + offset
        return self._place

    def read(self, size: int = -1, /) -> bytes:
        """All that is asked for, up to the end."""
        left = max(0, self._held.size_bytes - self._place)
        left = left if size < 0 else min(size, left)
        parts = []
        while left:
            number, within = divmod(self._place, BLOCK)
            part = self._block(number)[within : within + left]
            parts.append(part)
            self._place += len(part)
            left -= len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        block = self._blocks.pop(number, None)
        if block is None:
            block = self._brought(number * BLOCK)
        self._blocks[number] = block
        if len(self._blocks) > _KEPT_BLOCKS:
            self._blocks.popitem(last=False)
        return block

    def _brought(self, first: int) -> bytes:
        size = self._held.size_bytes
        span = Span(
            key=self._held.key, etag=self._held.etag, first=first, length=min(BLOCK, size - first), size_bytes=size
        )

        def once() -> bytes:
            with closing(self._store.blocks(span)) as blocks:
                return b"".join(blocks)

        try:
            content: bytes = self._again(once)
        except (ConnectionBroke, StoreRefused) as error:
            raise SourceUnreadable(str(error)) from None
        return content
