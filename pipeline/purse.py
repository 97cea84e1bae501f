"""What a run has spent or set aside, in a small file that all its processes share. A leaf."""

from __future__ import annotations

import fcntl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_FILE = struct.Struct("<dq")


@dataclass(slots=True)
class Purse:
    """Spent or set aside."""

    cost_usd: float = 0.0
    units: int = 0
    """Tokens of a language model; billed seconds of a transcription service."""


class SharedPurse:
    """A purse for all threads and, with a file, for all processes of a run and their restarts.

    What a killed process had set aside stays taken.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._own = Purse()

    @contextmanager
    def open(self) -> Iterator[Purse]:
        """The purse, this thread's alone until the end of the `with`."""
        with self._lock:
            if self._path is None:
                yield self._own
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # The lock is the kernel's, so that a killed process leaves none behind.
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                kept = file.read()
                purse = Purse(*_FILE.unpack(kept)) if len(kept) == _FILE.size else Purse()
                yield purse
                file.truncate(0)
                file.write(_FILE.pack(purse.cost_usd, purse.units))

    @property
    def now(self) -> Purse:
        """A copy."""
        with self.open() as purse:
            return Purse(purse.cost_usd, purse.units)
