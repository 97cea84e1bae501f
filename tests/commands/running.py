"""Runs of the real command line in a process of their own."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch

import psycopg
import pytest
from psycopg.rows import dict_row

from commands.app import main
from pipeline import masking
from pipeline.log_lines import attach
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
        chosen = (f"database.url={self.url}", f"run.spool_dir={self.output}/spool", "run.decode_workers=1", *settings)
        sets = [part for setting in chosen for part in ("--set", setting)]
        config = self.output.with_name("config.yaml")
        config.touch()
        places = ["--config", str(config), "--input", str(self.calls), "--output", str(self.output)]
        return [sys.executable, "run.py", *places, *sets, *extra]

    def run(self, *extra: str, settings: Sequence[str] = SCRIPTED) -> subprocess.CompletedProcess[str]:
        """A whole run, called here: the processes it starts are real. For one that is to be killed, see `arguments`."""
        return called(self.arguments(*extra, settings=settings)[2:])

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def newest(self, pattern: str) -> Path:
        return sorted(self.output.glob(pattern))[-1]

    def statuses(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.newest("file_statuses_*.json").read_text(encoding="utf-8"))
        return content


def called(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What `python run.py ARGUMENTS` does, told and answered, called in this process.

    A process of its own would spend two seconds on imports alone. Caught is what its children write, too.
    """
    masking.forget()
    with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
        with _put_back(), _standard_streams(out, err):
            code = _exit_code(arguments)
        return subprocess.CompletedProcess(list(arguments), code, _text_of(out), _text_of(err))


def told_by(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> tuple[object, str]:
    """Exit code and both outputs of a command, called in this process with what the test has patched."""
    with _put_back():
        code = _exit_code(arguments)
    return code, "".join(capfd.readouterr())


def _exit_code(arguments: Sequence[str]) -> int:
    with patch.object(sys, "argv", ["run.py", *arguments]), chdir(PROJECT), pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code or 0
    assert isinstance(code, int)
    return code


@contextmanager
def _put_back() -> Iterator[None]:
    """What a command leaves behind in its process is as before afterwards."""
    root, environment, mask = logging.getLogger(), dict(os.environ), os.umask(0o022)
    handlers, level = list(root.handlers), root.level
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in signals.items():
            signal.signal(number, handler)
        attach(handlers)
        root.setLevel(level)
        os.environ.clear()
        os.environ.update(environment)
        os.umask(mask)


@contextmanager
def _standard_streams(out: IO[bytes], err: IO[bytes]) -> Iterator[None]:
    """Standard output and error of this process, and of those it starts, are these files."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    try:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        with (
            open(1, "w", encoding="utf-8", closefd=False) as as_out,
            open(2, "w", encoding="utf-8", closefd=False) as as_err,
            redirect_stdout(as_out),
            redirect_stderr(as_err),
        ):
            yield
    finally:
        for fd, before in enumerate(kept, start=1):
            os.dup2(before, fd)
            os.close(before)


def _text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8")
