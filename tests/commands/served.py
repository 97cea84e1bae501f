"""`run.py serve` in a process of its own, one for a module of tests: killed and started again at will."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.commands.running import SCRIPTED
from tests.house import PROJECT
from tests.waiting import PATIENCE_S, until

SAMPLES = PROJECT / "samples" / "calls"


class Served:
    """A server over a folder and a database, with one worker."""

    def __init__(self, folder: Path, url: str, settings: Sequence[str] = ()) -> None:
        self.folder, self.url = folder, url
        self.recordings, self.output = folder / "recordings", folder / "output"
        self.config = folder / "config.yaml"
        self.config.write_text(
            f"database: {{url: '{url}'}}\nrun: {{spool_dir: {folder / 'spool'}, decode_workers: 1, stop_grace_s: 1}}\n"
            f"service: {{recordings_dir: {self.recordings}}}\noutput: {{directory: {self.output}}}\n"
            f"live: {{directory: {folder / 'live'}}}\nask: {{index: false}}\n"
        )
        self._settings = (*SCRIPTED, *settings)
        self._process: subprocess.Popen[str] | None = None
        self.client = httpx.Client()

    def start(self, *settings: str) -> None:
        command = [sys.executable, "run.py", "serve", "--port", "0", "--config", str(self.config)]
        command += [part for setting in (*self._settings, *settings) for part in ("--set", setting)]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        hung = threading.Timer(PATIENCE_S, self._process.kill)
        hung.daemon = True
        hung.start()
        assert self._process.stdout is not None
        address = self._process.stdout.readline().split()[0]
        hung.cancel()
        self.client = httpx.Client(base_url=address, timeout=PATIENCE_S)

    def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self._process is not None
        self.client.close()
        self._process.send_signal(how)
        code = self._process.wait(PATIENCE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code

    def connect(self) -> socket.socket:
        return socket.create_connection((self.client.base_url.host, self.client.base_url.port or 80))

    def submit(self, content: bytes, name: str, **query: str | int) -> str:
        """Path of the job."""
        answer = self.client.post("/v1/jobs", content=content, params={"file_name": name, **query})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["links"]["job"])

    def told(self, job: str) -> dict[str, Any]:
        told: dict[str, Any] = self.client.get(job).json()
        return told

    def ended(self, job: str) -> dict[str, Any]:
        told: dict[str, Any] = until(lambda: (now := self.told(job))["ended_at"] and now)
        return told

    def at_stage(self, job: str, stage: str) -> None:
        until(lambda: self.told(job)["stage"] == stage)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def files(self) -> list[Path]:
        """What lies in the folder of recordings."""
        return sorted(path for path in self.recordings.rglob("*") if path.is_file())

    def naming(self, name: str) -> list[Path]:
        """Files of the output folder that name something."""
        return [path for path in self.output.rglob("*") if path.is_file() and name in path.read_text(errors="replace")]


@contextmanager
def served(folder: Path, url: str, settings: Sequence[str] = ()) -> Iterator[Served]:
    one = Served(folder, url, settings)
    one.start()
    try:
        yield one
    finally:
        one.end()
