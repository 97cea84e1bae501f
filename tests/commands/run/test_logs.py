"""Log lines: whole, with run and call, from every process, without secrets, without anybody's words, not for ever."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from commands.console import Terminal
from commands.run.logs import free_stamp, log_to, prune, this_run
from pipeline.children.worker import Worker
from pipeline.config.areas.reporting import ReportingSettings
from pipeline.errors import OutputUnavailable, StartupError
from pipeline.log_lines import LOG_FILE, RUN_ID, about_call
from pipeline.masking import masked


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """What a run sets for its whole process is undone."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    environment = {name: os.environ.get(name) for name in (LOG_FILE, RUN_ID)}
    # `attach` closes what it takes off: pytest's own handlers are kept out of its reach.
    for handler in handlers:
        root.removeHandler(handler)
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def build_talkative() -> Callable[[str], str]:
    """In a spawned process: says what it is given."""
    log = logging.getLogger("pipeline.somewhere")

    def say(text: str) -> str:
        log.info("%s", text)
        return text

    return say


@pytest.mark.usefixtures("logging_as_before")
def test_lines_carry_run_and_call_and_come_from_children_too(tmp_path: Path) -> None:
    screen = StringIO()
    path = log_to(Terminal(file=screen), tmp_path / "logs", "20260101_000000")
    this_run("run-7")
    log = logging.getLogger("earshot.run")
    log.info("to do: 3")
    with about_call("a.wav", "call-1", "store"):
        log.warning("a.wav: failed")
    worker = Worker("talkative", build_talkative, limit_key="none")
    try:
        worker.call("from below, line\nbreak included", 30.0)
    finally:
        worker.close()
    first, second, third = lines(path)
    assert first["run_id"] == second["run_id"] == third["run_id"] == "run-7"
    assert "call_id" not in first
    assert (second["call_id"], second["file_name"], second["stage"]) == ("call-1", "a.wav", "store")
    assert (third["process"], third["message"]) == ("talkative", "from below, line\nbreak included")
    assert "a.wav: failed" in screen.getvalue()
    assert "to do" not in screen.getvalue()


@pytest.mark.usefixtures("logging_as_before")
def test_a_traceback_is_in_one_line_without_its_secrets(tmp_path: Path) -> None:
    path = log_to(Terminal(file=StringIO()), tmp_path, "20260101_000000")
    try:
        raise ValueError("postgresql://me:hunter2@db/x")
    except ValueError:
        logging.getLogger("earshot.run").exception("broke")
    (line,) = lines(path)
    assert "ValueError" in line["traceback"]
    assert "hunter2" not in json.dumps(line)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:hunter2@db/x", "postgresql://me:***@db/x"),
        ("key sk-abcdefghijklmnop is refused", "key *** is refused"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer ***"),
        ("password=hunter2&x=1", "password=***"),
        ("hf_abcdefghijklmnopqrst", "***"),
        ("the task-force-of-seventeen met", "the task-force-of-seventeen met"),
        ("call done, 3 tokens", "call done, 3 tokens"),
    ],
)
def test_secrets_are_masked_and_other_words_are_not(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_old_log_files_go_and_the_current_one_stays(tmp_path: Path) -> None:
    names = [f"earshot_2026010{day}_000000.jsonl" for day in range(1, 8)]
    for name in [*names, "other.txt"]:
        (tmp_path / name).touch()
    long_ago = time.time() - 10 * 86_400
    os.utime(tmp_path / names[5], (long_ago, long_ago))
    prune(tmp_path, tmp_path / names[0], keep=4, keep_days=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [names[0], names[4], names[6], "other.txt"]


@pytest.mark.usefixtures("logging_as_before")
def test_pruning_follows_the_configuration(tmp_path: Path) -> None:
    for day in range(1, 5):
        log_to(Terminal(file=StringIO()), tmp_path, f"2026010{day}_000000", ReportingSettings(keep_logs=2))
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "earshot_20260103_000000.jsonl",
        "earshot_20260104_000000.jsonl",
    ]


@pytest.mark.usefixtures("logging_as_before")
def test_a_log_folder_that_cannot_be_written_to_is_told_of(tmp_path: Path) -> None:
    """Under an output folder that can be: exit 3 and the folder's name, where there was a traceback and exit 1."""
    (tmp_path / "file").touch()
    (tmp_path / "logs" / "earshot_20260101_000000.jsonl").mkdir(parents=True)
    for name in ("file", "logs"):
        with pytest.raises(OutputUnavailable, match=f"{tmp_path / name}: logs cannot be written there"):
            log_to(Terminal(file=StringIO()), tmp_path / name, "20260101_000000")
    assert issubclass(OutputUnavailable, StartupError), "exit 3"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.usefixtures("logging_as_before")
def test_a_log_folder_of_somebody_elses_is_told_of(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o555)
    with pytest.raises(OutputUnavailable, match="Permission denied"):
        log_to(Terminal(file=StringIO()), folder, "20260101_000000")


def test_in_a_file_a_warning_is_one_line(logging_as_before: None, tmp_path: Path) -> None:
    screen = StringIO()
    log_to(Terminal(file=screen), tmp_path, "20260101_000000")
    logging.getLogger("earshot.x").warning("not used: %s", "a reason of many words " * 20)
    line = screen.getvalue().removesuffix("\n")
    assert line.startswith("WARNING  not used: a reason of")
    assert "\n" not in line


def test_runs_that_begin_in_the_same_second_have_logs_of_their_own(tmp_path: Path) -> None:
    begun = datetime(2026, 9, 14, 23, 59, 58)
    folder = tmp_path / "deep" / "logs"
    stamps = [free_stamp(folder, begun) for _ in range(3)]
    assert stamps == ["20260914_235958", "20260914_235959", "20260915_000000"]
    assert sorted(path.name for path in folder.iterdir()) == [f"earshot_{stamp}.jsonl" for stamp in stamps]
    (tmp_path / "file").touch()
    assert free_stamp(tmp_path / "file", begun) == "20260914_235958", "what is wrong with the folder is told later"
