"""Nights that were green and should not have been: exit 5, with names and reasons."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.embedded.server import EmbeddedServer
from tests.commands.running import SCRIPTED, called
from tests.databases import TEMPLATE, fresh_database


class Nightly:
    """A job whose input stands in its configuration, as cron runs it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.calls, self.output, self._url = folder / "calls", folder / "output", url
        self.calls.mkdir()
        self.config = folder / "config.yaml"
        self.config.write_text(
            f"input: {{path: {self.calls}, min_age_s: 0}}\noutput: {{directory: {self.output}}}\n"
            f"run: {{spool_dir: {folder}/spool}}\n",
            encoding="utf-8",
        )

    def garbage(self, *names: str) -> None:
        for name in names:
            path = self.calls / name
            path.write_bytes(f"this is no recording: {name}".encode() * 99)
            os.utime(path, (time.time() - 3600, time.time() - 3600))

    def run(self, *extra: str) -> subprocess.CompletedProcess[str]:
        sets = [part for setting in (*SCRIPTED, f"database.url={self._url}") for part in ("--set", setting)]
        return called(["--config", str(self.config), *sets, *extra])

    def report(self) -> dict[str, Any]:
        newest = sorted(self.output.glob("performance_report_*.json"))[-1]
        content: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))
        return content


@pytest.fixture
def job(server: EmbeddedServer, tmp_path: Path) -> Iterator[Nightly]:
    for url in fresh_database(server, TEMPLATE):
        yield Nightly(tmp_path, url)


def test_a_night_of_garbage_and_an_empty_folder_after_it_end_with_5(job: Nightly) -> None:
    job.garbage("one.wav", "two[b].mp3", "three.wav")
    for night in ("the first", "the second, which knows them all"):
        run = job.run()
        shown = " ".join(run.stdout.split())
        assert run.returncode == 5, (night, run.stdout, run.stderr)
        assert "3 of 3 recordings offered cannot be used" in shown
        for name in ("one.wav: ", "two[b].mp3: ", "three.wav: "):
            assert name in shown, night
        assert job.report()["unusable"]["recordings"] == 3
    assert job.run("--input", str(job.calls)).returncode == 0, "named by hand: whoever asks for it knows"
    for path in job.calls.iterdir():
        path.unlink()
    run = job.run()
    assert run.returncode == 5
    assert "earlier runs found 3 recordings here" in " ".join(run.stdout.split())
    assert job.run("--set", "run.min_expected_calls=0").returncode == 0
