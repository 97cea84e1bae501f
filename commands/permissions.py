"""Who may read what the commands write: words of calls stand in results, reports, logs and the spool."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config.areas.output import Readers

_OWNER_ALONE = 0o077
_GROUP_TOO = 0o027


def keep_private() -> None:
    """What this process and those it spawns make is for their owner alone, whatever the umask said."""
    os.umask(os.umask(_OWNER_ALONE) | _OWNER_ALONE)


def let_read(readers: Readers) -> None:
    """As `output.readable_by` says."""
    from pipeline.config.areas.output import Readers

    if readers is Readers.GROUP:
        os.umask(_GROUP_TOO)


def check_writable(folder: Path) -> None:
    """Raises OutputUnavailable when the folder cannot be made or written to."""
    from pipeline.errors import OutputUnavailable

    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write_test_{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise OutputUnavailable(
            f"{folder}: cannot be written to ({error.strerror}); check its permissions and free space, "
            "or choose another folder with --output (output.directory) or run.spool_dir"
        ) from None
