"""`run.py view` as a person starts and ends it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from commands.view import listening, view
from db.ledger.store import PostgresStore
from pipeline.errors import ConfigurationError, DatabaseUnavailable
from tests.house import PROJECT
from tests.recorded import store_recorded, write_two_sides


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.touch()
    return path


def test_it_serves_until_it_is_interrupted_and_leaves_nothing(
    config: Path, url: str, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    call_id = store_recorded(store, run_id, write_two_sides(tmp_path / "a.wav"))
    spool = tmp_path / "spool"
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    command = [
        sys.executable, "run.py", "view", "--port", "0", "--config", str(config),
        "--set", f"database.url={url}", "--set", f"run.spool_dir={spool}",
    ]  # fmt: skip
    environment = {**os.environ, "BROWSER": str(browser)}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        hung = threading.Timer(100, running.kill)
        hung.start()
        assert running.stdout is not None
        address = running.stdout.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        wanted = {"": b"Dashboard", f"calls/{call_id}": b"charged twice", f"calls/{call_id}/waveform.svg": b"<path"}
        for path, says in wanted.items():
            with urllib.request.urlopen(address + path, timeout=120) as answer:
                assert says in answer.read()
        assert opened.read_text().strip() == address
        assert list(spool.glob("*/listening/*"))
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
        hung.cancel()
    assert list(spool.glob("*/listening/*")) == []


def test_a_port_that_is_taken_is_told(config: Path, url: str, run_id: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"--port {port}"):
            view(config, [f"database.url={url}"], port, browser=False)


def test_without_a_port_asked_for_it_is_ours_or_where_that_is_taken_another_one() -> None:
    with listening(0) as free:
        ours = free.getsockname()[1]
    with listening(None, ours) as first, listening(None, ours) as second:
        assert first.getsockname() == ("127.0.0.1", ours)
        assert second.getsockname()[0] == "127.0.0.1"
        assert second.getsockname()[1] not in (0, ours)


def test_before_the_first_run_there_is_nothing_to_read(config: Path, empty_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="no database there"):
        view(config, [f"database.url={empty_url}"], 0, browser=False)
