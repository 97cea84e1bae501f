"""Folders of live calls on disk, and what a killed server left in them.

A folder is locked by the server whose call it is, for as long as that lives. `call.json` is in it until the recording
has been handed over.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pipeline.disk import remove_folder
from pipeline.live.ports import LiveHeader
from pipeline.live.recording import mend

log = logging.getLogger("earshot.live")

_HEADER = "call.json"
_LOCK = "lock"
_YOUNG_S = 60.0
"""A folder without a lock may be one that another server is just making."""
_header = TypeAdapter(LiveHeader)


class KeptCalls:
    """The folders below one directory. Thread-safe, as long as a session is used by one thread at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._locks: dict[str, int] = {}

    def folder_of(self, session: str) -> Path:
        return self._directory / session

    def begin(self, header: LiveHeader) -> None:
        """Make the folder of a call, locked. Raises OSError."""
        folder = self.folder_of(header.session)
        folder.mkdir(parents=True, mode=0o700)
        lock = _locked(folder)
        assert lock is not None
        self._locks[header.session] = lock
        aside = folder / f"{_HEADER}.part"
        aside.write_bytes(_header.dump_json(header))
        aside.rename(folder / _HEADER)

    def forget(self, session: str) -> None:
        """Its recording has been handed over."""
        (self.folder_of(session) / _HEADER).unlink(missing_ok=True)

    def leave(self, session: str) -> None:
        """The call is over: its folder goes, unless its recording is still to be handed over."""
        if not (self.folder_of(session) / _HEADER).exists():
            remove_folder(self.folder_of(session))
        self._unlock(session)

    def remove(self, session: str) -> None:
        """The folder goes with all that is in it."""
        remove_folder(self.folder_of(session))
        self._unlock(session)

    def left_behind(self) -> Iterator[tuple[LiveHeader, Path]]:
        """Calls whose server is gone, locked by this one now, each with its recording, mended.

        `remove` or `leave` them afterwards. Folders without a recording to hand over are removed.
        """
        for folder in sorted(path for path in self._directory.glob("*") if path.is_dir()):
            try:
                found = self._left_in(folder)
            except (OSError, ValidationError) as error:
                log.error("live call in %s: cannot be taken up (%s)", folder, type(error).__name__)
            else:
                yield from found

    def _left_in(self, folder: Path) -> list[tuple[LiveHeader, Path]]:
        if not (folder / _LOCK).exists() and time.time() - folder.stat().st_mtime < _YOUNG_S:
            return []
        lock = _locked(folder)
        if lock is None:
            return []  # its server lives
        self._locks[folder.name] = lock
        recording = next(folder.glob("*.wav"), None)
        if not (folder / _HEADER).exists() or recording is None or not mend(recording):
            self.remove(folder.name)
            return []
        return [(_header.validate_json((folder / _HEADER).read_bytes()), recording)]

    def _unlock(self, session: str) -> None:
        lock = self._locks.pop(session, None)
        if lock is not None:
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """The lock of a folder, held until it is closed; None where another process has it."""
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
