"""The log goes on when its file cannot be written to."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.log_lines import LOG_FILE, attach, continue_log, json_handler


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers = []
    yield
    root.handlers = before
    root.setLevel(level)


def lines(path: Path) -> list[str]:
    return [json.loads(line)["message"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_own_lines_from_info_up_and_those_of_libraries_from_warning_up(tmp_path: Path) -> None:
    attach([json_handler(tmp_path / "log")])
    for name in ("pipeline.a", "a_library"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "%s says %s", name, logging.getLevelName(level))
    assert lines(tmp_path / "log") == ["pipeline.a says INFO", "pipeline.a says WARNING", "a_library says WARNING"]


def test_a_full_disk_is_told_once_and_the_work_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    attach([json_handler(Path("/dev/full"))])
    logging.getLogger("pipeline.a").warning("one")
    logging.getLogger("pipeline.a").warning("two")
    assert capsys.readouterr().err == "/dev/full: log lines are lost: No space left on device\n"
    logging.getLogger().handlers.clear()  # closing them would write the lines once more


def test_a_line_that_cannot_be_made_is_a_bug_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attach([json_handler(tmp_path / "log")])
    logging.getLogger("pipeline.a").warning("%d calls", "many")
    assert "--- Logging error ---" in capsys.readouterr().err


@pytest.mark.parametrize("there", [True, False])
def test_a_process_continues_the_log_or_at_least_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], there: bool
) -> None:
    path = tmp_path / "logs" / "log"
    if there:
        path.parent.mkdir()
    monkeypatch.setenv(LOG_FILE, str(path))
    continue_log()
    logging.getLogger("pipeline.a").info("quietly")
    logging.getLogger("pipeline.a").warning("aloud")
    assert capsys.readouterr().err.strip().endswith("aloud")
    assert not there or lines(path) == ["quietly", "aloud"]


def test_a_process_without_a_log_leaves_logging_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LOG_FILE, raising=False)
    before = list(logging.getLogger().handlers)
    continue_log()
    assert logging.getLogger().handlers == before
