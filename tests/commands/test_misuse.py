"""What a wrong command line is answered: in one message that says what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands.evaluate.language import labelled_calls
from commands.status import show_status
from db.ledger.store import PostgresStore
from pipeline.errors import ConfigurationError
from tests.commands.running import called


@pytest.mark.parametrize("group", ["keys", "tokens", "db", "config", "evaluate"])
def test_a_group_without_a_command_shows_its_help_on_lines(group: str) -> None:
    """It came as one line with \\n in it."""
    answer = called([group])
    assert answer.returncode == 2
    assert "\\n" not in answer.stderr
    assert "\nCommands:\n" in answer.stderr


def test_a_typed_line_feed_stays_in_its_line() -> None:
    answer = called(["statsu\nerror: all is well"])
    assert answer.returncode == 2
    assert "\nerror: all is well" not in answer.stderr


@pytest.mark.parametrize("typed", ["yesterday", "2026-13-45", ""])
@pytest.mark.parametrize("command", [["search", "cancel"], ["export", "calls.csv"], ["tokens", "audit"]])
def test_a_time_that_is_none_says_what_to_type(command: list[str], typed: str) -> None:
    answer = called([*command, "--since", typed])
    assert answer.returncode == 2
    assert "2026-09-01" in answer.stderr


@pytest.mark.parametrize("query", ["", "  ", "\x00"])
def test_a_search_for_nothing_is_refused(query: str) -> None:
    answer = called(["search", query])
    assert (answer.returncode, answer.stderr) == (
        2, "error: search: the query holds no word; search for something, such as: run.py search cancel\n"
    )  # fmt: skip


def test_labels_that_are_not_there_are_called_labels(tmp_path: Path) -> None:
    """The message spoke of --truth, which nobody had typed."""
    with pytest.raises(ConfigurationError, match=r"--labels .*none: no such folder"):
        labelled_calls(tmp_path / "none", "topic")


def test_counts_of_a_run_are_words(
    tmp_path: Path, url: str, store: PostgresStore, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They were shown as Python writes a dictionary."""
    (tmp_path / "config.yaml").touch()
    store.end_run(run_id, 5, {"done": 8, "failed": 2, "skipped": 0}, {})
    show_status(tmp_path / "config.yaml", [f"database.url={url}"], as_json=False)
    assert "exit code 5: 8 done, 2 failed\n" in capsys.readouterr().out
