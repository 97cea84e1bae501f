"""What a test session leaves behind is cleared away however it ends, a kill included.

A process of its own holds the other end of a pipe: when the session dies, the kernel closes it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.embedded.server import EmbeddedServer
from tests.house import PROJECT


@contextmanager
def watched(folder: Path) -> Iterator[Path]:
    """Stop the database servers under `folder` and remove it, at the end of the block or of this process."""
    command = [sys.executable, "-m", "tests.watchdog", str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, start_new_session=True):  # Popen closes stdin
        yield folder


def clear(folder: Path) -> None:
    for version in folder.glob("**/cluster/PG_VERSION"):
        EmbeddedServer(version.parents[1]).stop(force=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    clear(Path(sys.argv[1]))
