"""Disks that are full: told apart from other trouble, and waited for. A leaf."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from pipeline.errors import DiskFull, TransientError
from pipeline.retries import retrying

Value = TypeVar("Value")

_LONGEST_WAIT_S = 15.0


def says_disk_full(error: BaseException) -> bool:
    """Whether a write failed because the disk is full or a quota is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def write_at(file: int, content: bytes, offset: int) -> None:
    """A write may take only a part of the content: the first sign of a full disk."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(file, rest, offset)
        offset += written
        rest = rest[written:]


def remove_folder(folder: Path) -> None:
    """With all that is in it. What cannot be removed, or is not there, is no trouble: it was used for the last time."""
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def spooling(folder: Path) -> Iterator[None]:
    """An OSError inside becomes DiskFull or TransientError. Its message blames the spool, not the recording."""
    try:
        yield
    except OSError as error:
        kind = DiskFull if says_disk_full(error) else TransientError
        raise kind(
            f"the spool folder {folder} cannot be written to: {error.strerror or error}; free space there, or name a "
            "folder on another disk (run.spool_dir)"
        ) from error


def write_spooled(file: IO[bytes], content: bytes, folder: Path) -> None:
    """Write all of `content` to an unbuffered file of the spool. Raises DiskFull or TransientError.

    A raw write may take only a part of the content: the first sign of a full disk. An unbuffered file has nothing
    left to write when it is closed, so closing it cannot fail.
    """
    rest = memoryview(content)
    with spooling(folder):
        while rest:
            rest = rest[file.write(rest) :]


def outlast_full_disk(
    work: Callable[[], Value],
    patience_s: float,
    notice: Callable[[str], None],
    given_up: threading.Event | None = None,
) -> Value:
    """Do `work` again while it raises DiskFull, for at most `patience_s`; the waits double from 0.5 s up to 15 s.

    `work` must be safe to repeat. `given_up` ends the waiting early. One message says that it waits, another that there
    is space again. Raises DiskFull when patience runs out; other errors pass through at once.
    """
    waits = 0

    def tell(error: BaseException, _number: int, _wait_s: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 1:
            notice(f"{error}; waiting up to {patience_s:.0f} s for space (run.disk_patience_s)")

    again = retrying(
        lambda error: isinstance(error, DiskFull),
        first_wait_s=0.5,
        longest_wait_s=_LONGEST_WAIT_S,
        for_s=patience_s,
        tell=tell,
        given_up=given_up,
    )
    value: Value = again(work)
    if waits:
        notice("there is space on the disk again; going on")
    return value
