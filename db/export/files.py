"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.disk import says_disk_full
from pipeline.errors import DiskFull, OutputUnavailable


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path aside to write to; at the end it is flushed to the disk and takes the place of `path`.

    After an error, or a kill, `path` is as it was before. Raises OutputUnavailable when it cannot be written,
    of which DiskFull is worth waiting for.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        aside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        kind = DiskFull if says_disk_full(error) else OutputUnavailable
        raise kind(
            f"{path}: cannot be written ({error.strerror or error}); free space or fix the folder's permissions, "
            "or name another with --output"
        ) from error
    finally:
        with suppress(OSError):  # mostly gone already, or never made
            aside.unlink()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file at once. Raises OutputUnavailable."""
    with whole_file(path) as aside:
        aside.write_bytes(content)
