"""Runs of the real command line in a process of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from commands.app import main
from tests.house import PROJECT

_SCRIPTED_WORDS = ("transcription.engines=[scripted]", "transcription.scripted.missing=hash")
ALL_MODELS: tuple[str, ...] = _SCRIPTED_WORDS
"""Scripted words, and the analysis as it ships: half of such a run's processor time is spent on loading models."""
NO_MODELS = ("encoder.engine=off", "sentiment.text.engine=lexicon", "sentiment.acoustic.engine=off")
"""An analysis that loads nothing."""
SCRIPTED = (*_SCRIPTED_WORDS, *NO_MODELS)
"""Scripted words, and an analysis that loads no model: for tests of everything else."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder of recordings, a database, an output folder."""

    calls: Path
    output: Path
    url: str

    def arguments(self, *extra: str, settings: Sequence[str] = SCRIPTED) -> list[str]:
        chosen = (f"database.url={self.url}", f"run.spool_dir={self.output}/spool", "run.decode_workers=2", *settings)
        sets = [part for setting in chosen for part in ("--set", setting)]
        config = self.output.with_name("config.yaml")
        config.touch()
        places = ["--config", str(config), "--input", str(self.calls), "--output", str(self.output)]
        return [sys.executable, "run.py", *places, *sets, *extra]

    def run(self, *extra: str, settings: Sequence[str] = SCRIPTED) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*extra, settings=settings), cwd=PROJECT, capture_output=True, text=True, check=False
        )

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def newest(self, pattern: str) -> Path:
        return sorted(self.output.glob(pattern))[-1]

    def statuses(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.newest("file_statuses_*.json").read_text(encoding="utf-8"))
        return content


def told_by(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> tuple[object, str]:
    """Exit code and both outputs of a command, called in this process."""
    monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
    handler, mask = signal.getsignal(signal.SIGTERM), os.umask(0o022)
    with pytest.raises(SystemExit) as ended:
        main()
    signal.signal(signal.SIGTERM, handler)
    os.umask(mask)
    return ended.value.code or 0, "".join(capfd.readouterr())
