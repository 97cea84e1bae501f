"""Objects brought to this machine: small ones in one piece, large ones in ranges, several at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

from pipeline.config.areas.buckets import S3Settings
from pipeline.disk import spooling, write_at
from pipeline.errors import SourceUnreadable
from pipeline.objects.port import (
    ConnectionBroke,
    ObjectStore,
    RangesIgnored,
    Span,
    StoreRefused,
)
from pipeline.objects.s3 import FIRST_WAIT_S, LONGEST_WAIT_S
from pipeline.plurals import counted
from pipeline.retries import retrying


class Downloads:
    """Brings objects of one store. Safe between threads, which share `input.s3.connections`."""

    def __init__(self, store: ObjectStore, settings: S3Settings) -> None:
        self._store = store
        self._settings = settings
        self._part_bytes = max(1, int(settings.part_mb * 2**20))
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def bring(self, whole: Span, address: str, path: Path) -> None:
        """Write an object into the existing file at `path`, or raise.

        Raises SourceUnreadable with `address` in the message; TransientError and DiskFull about the disk.
        """
        limit_s = self._settings.download_timeout_s
        deadline = time.monotonic() + limit_s
        try:
            self._bring(whole, path, deadline)
        except TimeoutError:
            raise SourceUnreadable(
                f"{address}: its {counted(whole.size_bytes, 'byte')} had not arrived after {limit_s:g} s; it is tried "
                "again later, or raise input.s3.download_timeout_s"
            ) from None
        except ConnectionBroke as error:
            times = counted(self._settings.attempts, "time")
            raise SourceUnreadable(f"{address}: download broke off {times}: {error}") from None
        except (SourceUnreadable, StoreRefused) as error:
            raise SourceUnreadable(f"{address}: {error}") from None

    def _bring(self, whole: Span, path: Path, deadline: float) -> None:
        if whole.size_bytes <= self._part_bytes:
            self._in_one(whole, path, deadline)
            return
        try:
            self._in_ranges(whole, path, deadline)
        except RangesIgnored:
            self._in_one(whole, path, deadline)

    def _in_one(self, whole: Span, path: Path, deadline: float) -> None:
        def once() -> None:
            os.truncate(path, 0)
            self._write(whole, path, deadline, lambda _: None)

        self._again()(once)

    def _in_ranges(self, whole: Span, path: Path, deadline: float) -> None:
        firsts = range(0, whole.size_bytes, self._part_bytes)
        given_up = threading.Event()

        def part(first: int) -> None:
            length = min(self._part_bytes, whole.size_bytes - first)
            came = 0

            def note(amount: int) -> None:
                nonlocal came
                came += amount
                if given_up.is_set():
                    raise TimeoutError

            def on() -> None:
                """From where it broke off: the condition keeps it to one version."""
                if came < length:
                    rest = Span(
                        key=whole.key, etag=whole.etag, first=first + came, length=length - came,
                        size_bytes=whole.size_bytes,
                    )  # fmt: skip
                    self._write(rest, path, deadline, note)

            if not given_up.is_set():
                self._again()(on)

        parts = [self._threads().submit(part, first) for first in firsts]
        done, _ = wait(parts, return_when=FIRST_EXCEPTION)
        given_up.set()  # no effect where all are done
        wait(parts)
        for future in done:
            future.result()

    def _write(self, span: Span, path: Path, deadline: float, note: Callable[[int], None]) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError
        offset = span.first
        with spooling(path.parent):
            file = os.open(path, os.O_WRONLY)
        try:
            with closing(self._store.blocks(span, deadline)) as blocks:
                for block in blocks:
                    with spooling(path.parent):
                        write_at(file, block, offset)
                    offset += len(block)
                    note(len(block))
        finally:
            os.close(file)

    def _again(self) -> Callable[[Callable[[], None]], None]:
        return retrying(
            # The connection broke within the body; the client does not retry that by itself.
            lambda error: isinstance(error, ConnectionBroke),
            first_wait_s=FIRST_WAIT_S,
            longest_wait_s=LONGEST_WAIT_S,
            attempts=self._settings.attempts,
        )

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._settings.connections, "ranges")
            return self._pool
