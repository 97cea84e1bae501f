"""`run.py serve` as a person starts and ends it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from commands.serve import serve
from pipeline.errors import ConfigurationError
from tests.house import PROJECT


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.touch()
    return path


def places(tmp_path: Path, url: str) -> list[str]:
    return [
        f"database.url={url}",
        f"run.spool_dir={tmp_path / 'spool'}",
        f"service.recordings_dir={tmp_path / 'recordings'}",
    ]


def test_it_makes_its_tables_serves_and_ends(config: Path, empty_url: str, tmp_path: Path) -> None:
    command = [sys.executable, "run.py", "serve", "--port", "0", "--config", str(config)]
    command += [part for place in places(tmp_path, empty_url) for part in ("--set", place)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as running:
        hung = threading.Timer(100, running.kill)
        hung.start()
        assert running.stdout is not None
        address = running.stdout.readline().split()[0]
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert b"No calls yet" in answer.read()
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
        hung.cancel()


def test_a_port_that_is_taken_is_told(config: Path, url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"{port} .service.host, service.port"):
            serve(config, places(tmp_path, url), port)
