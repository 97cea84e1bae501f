"""Files made for one answer: written to the disk first, then sent.

A file that is whole before its first byte leaves can be told from a failure, and a slow client holds neither a
connection of the database nor memory.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from pipeline.disk import remove_folder
from service.problems.kinds import BUSY
from service.problems.problem import Refused

MADE_AT_ONCE = 2
"""Each has a connection of the pool while its file is written."""
SENT_AT_ONCE = 16
"""Files that are open, and take room on the disk."""
_BLOCK_BYTES = 1 << 18


def attachment(name: str) -> dict[str, str]:
    """The header that names a file (RFC 6266)."""
    return {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}"}


class Exports:
    """Files made and not sent yet."""

    def __init__(self, spool: Path) -> None:
        spool.mkdir(parents=True, exist_ok=True)
        self._spool = spool
        self._making = threading.BoundedSemaphore(MADE_AT_ONCE)
        self._sending = threading.BoundedSemaphore(SENT_AT_ONCE)

    def made(self, write: Callable[[Path], None], name: str, media: str) -> OpenFile:
        """The file that `write` writes, open and already without a name on the disk: nothing of it is left behind.

        Raises Refused where too many are made or sent, and what `write` raises.
        """
        if not self._sending.acquire(blocking=False):
            raise Refused(BUSY, f"{SENT_AT_ONCE} exports are being sent.")
        try:
            file = self._written(write, name)
        except BaseException:
            self._sending.release()
            raise
        return OpenFile(file, self._sending.release, name, media)

    def _written(self, write: Callable[[Path], None], name: str) -> BinaryIO:
        if not self._making.acquire(blocking=False):
            raise Refused(BUSY, f"{MADE_AT_ONCE} exports are being made.")
        folder = Path(tempfile.mkdtemp(prefix="export-", dir=self._spool))
        try:
            write(folder / name)
            return (folder / name).open("rb")
        finally:
            remove_folder(folder)
            self._making.release()


class OpenFile(StreamingResponse):
    """Sends an open file, and closes it however that ends."""

    def __init__(self, file: BinaryIO, closed: Callable[[], None], name: str, media: str) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        headers = {**attachment(name), "Content-Length": str(size)}
        super().__init__(_blocks(file), media_type=media, headers=headers)
        self._file = file
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
            self._closed()


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block
