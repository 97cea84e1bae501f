"""A killed test session leaves no server behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

SESSION = """
import sys, time
from pathlib import Path
from db.embedded.server import EmbeddedServer
from tests.watchdog import watched
with watched(Path(sys.argv[1])) as folder:
    EmbeddedServer(folder / "server").start()
    print("up", flush=True)
    time.sleep(120)
"""


def test_a_killed_session_leaves_no_server_and_no_folder(open_folder: Path) -> None:
    folder = open_folder / "killed"
    folder.mkdir()
    session = subprocess.Popen([sys.executable, "-c", SESSION, str(folder)], stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "up\n"
    server = int((folder / "server" / "cluster" / "postmaster.pid").read_text().splitlines()[0])
    assert psutil.pid_exists(server)
    session.kill()
    session.wait()
    for _ in range(600):
        if not folder.exists() and not psutil.pid_exists(server):
            return
        time.sleep(0.05)
    raise AssertionError("the server or its folder is still there")
