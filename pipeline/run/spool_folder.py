"""The part of the spool folder that is this process's own."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from pipeline.disk import remove_folder

_LISTENING = "listening"


def own_spool(folder: Path) -> Path:
    """This process's part of the spool; what dead processes of this machine left there is removed."""
    host = socket.gethostname()
    for left in folder.glob(f"{host}-*"):
        pid = left.name.removeprefix(f"{host}-")
        if pid.isdigit() and not _is_alive(int(pid)):
            remove_folder(left)
    return folder / f"{host}-{os.getpid()}"


def listening_spool(folder: Path) -> Path:
    """Where this process keeps what it decodes for listeners."""
    return own_spool(folder) / _LISTENING


def forget_decoded(folder: Path) -> int:
    """Remove what all processes of this machine and of others have decoded for listeners; returns how many files.

    A room that is open decodes again what is asked for again.
    """
    found = [path for path in folder.glob(f"*/{_LISTENING}/**/*") if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def spent_file(folder: Path, pid: int) -> Path:
    """Where the run of this process keeps what it has spent on transcription services."""
    return folder / f"{socket.gethostname()}-{pid}" / "transcription_spent"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
