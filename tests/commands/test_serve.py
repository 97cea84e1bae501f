"""`run.py serve` as a person starts and ends it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from commands.serve import serve
from pipeline.errors import ConfigurationError
from tests.commands.running import SCRIPTED
from tests.house import PROJECT
from tests.waiting import PATIENCE_S, until

SAMPLE = PROJECT / "samples" / "calls" / "20260914-113006_inbound_agent-4711_b2c_q-cards_lost-card.wav"


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
        f"output.directory={tmp_path / 'output'}",
    ]


@contextlib.contextmanager
def serving(config: Path, settings: list[str]) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    command = [sys.executable, "run.py", "serve", "--port", "0", "--config", str(config)]
    command += [part for setting in settings for part in ("--set", setting)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as running:
        hung = threading.Timer(PATIENCE_S, running.kill)
        hung.start()
        try:
            assert running.stdout is not None
            with httpx.Client(base_url=running.stdout.readline().split()[0], timeout=PATIENCE_S) as client:
                yield client, running
        finally:
            hung.cancel()
            running.kill()


@pytest.mark.slow
def test_it_makes_its_tables_takes_a_call_in_and_shows_its_page(config: Path, empty_url: str, tmp_path: Path) -> None:
    settings = [
        *places(tmp_path, empty_url),
        *SCRIPTED,
        "run.decode_workers=1",
        "run.stop_grace_s=1",
        "ask.index_every_s=0.5",
    ]
    with serving(config, settings) as (client, running):
        assert b"No calls yet" in client.get("/").content
        with SAMPLE.open("rb") as file:
            answer = client.post("/v1/jobs", files={"recording": file}, data={"metadata": '{"customer": "C-77"}'})
        assert answer.status_code == 202
        job = answer.json()["links"]["job"]
        told = until(lambda: (now := client.get(job).json())["ended_at"] and now)
        assert (told["state"], told["reason"]) == ("done", None)
        page = client.get(told["links"]["page"])
        assert page.status_code == 200
        assert SAMPLE.name in page.text
        events = client.get(f"{job}/events").text
        about = {"question": "Who lost a card?"}
        until(lambda: client.get("/v1/ask", params=about).json()["calls_searched"] == 1)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 0
    states = [line.split('"state":')[1].split(",")[0] for line in events.splitlines() if '"state":"' in line]
    assert states == ['"receiving"', '"accepted"', '"queued"', '"done"']
    with psycopg.connect(empty_url) as connection:
        row = connection.execute("SELECT customer, agent_id, status FROM calls").fetchone()
        runs = connection.execute("SELECT state, counts FROM runs").fetchall()
    assert row == ("C-77", "4711", "done"), "what the submitter says, and what the name says"
    assert runs == [("finished", {"done": 1})]


@pytest.mark.slow
def test_a_call_can_be_erased_while_workers_wait_for_more(config: Path, empty_url: str, tmp_path: Path) -> None:
    """Each worker held the lock of runs for as long as it lived: the answer was 409."""
    settings = [
        *places(tmp_path, empty_url),
        *SCRIPTED,
        "run.decode_workers=1",
        "run.stop_grace_s=1",
        "ask.index=false",
    ]
    with serving(config, settings) as (client, running):
        with SAMPLE.open("rb") as file:
            job = client.post("/v1/jobs", files={"recording": file}).json()["links"]["job"]
        told = until(lambda: (now := client.get(job).json())["ended_at"] and now)
        assert client.delete(told["links"]["call"]).status_code == 200
        assert client.get(told["links"]["call"]).status_code == 404
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 0


def test_a_port_that_is_taken_is_told(config: Path, url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"{port} .service.host, service.port"):
            serve(config, places(tmp_path, url), port)
