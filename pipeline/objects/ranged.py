"""An object as a file that is read here and there, a block at a time."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import closing

from pipeline.errors import SourceUnreadable
from pipeline.objects.port import BLOCK, ConnectionBroke, ObjectStore, Span, StoredObject, StoreRefused
from pipeline.objects.s3 import FIRST_WAIT_S, LONGEST_WAIT_S
from pipeline.retries import retrying
from pipeline.seekable import SeekableReader

_KEPT_BLOCKS = 16


class RangedFile(SeekableReader):
    """One version of an object. Keeps the blocks read last. For one thread at a time.

    Reading raises SourceUnreadable.
    """

    def __init__(self, store: ObjectStore, held: StoredObject, attempts: int) -> None:
        super().__init__()
        self._store = store
        self._held = held
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._again = retrying(
            lambda error: isinstance(error, ConnectionBroke),
            first_wait_s=FIRST_WAIT_S,
            longest_wait_s=LONGEST_WAIT_S,
            attempts=attempts,
        )

    @property
    def size(self) -> int:
        return self._held.size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        """All that is asked for, up to the end."""
        end, parts = min(offset + length, self.size), []
        while offset < end:
            number, within = divmod(offset, BLOCK)
            parts.append(self._block(number)[within : within + end - offset])
            offset += len(parts[-1])
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
