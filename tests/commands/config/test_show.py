"""`run.py config show|diff`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.app import app
from commands.config.show import effective
from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError

FILE = """\
run:
  order: newest
  max_hours: 2
input:
  path: /calls/${EARSHOT_TEST_PART}
database:
  url: postgresql://me:hunter2secret@localhost/calls
reporting:
  notify:
    webhook: {url: "https://hooks.example/services/T000/secretpath99"}
transcription:
  scripted: {missing: hash}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_TEST_PART", "never-to-be-shown")
    path = tmp_path / "config.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["config", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    return result.output


def test_show_says_every_setting_and_where_it_comes_from(config: Path) -> None:
    lines = said("show", "--config", str(config), "--set", "run.limit=5").splitlines()
    assert f"run.order: newest  # {config}:2" in lines
    assert f"run.max_hours: 2.0  # {config}:3" in lines
    assert "run.limit: 5  # --set run.limit" in lines
    assert "run.seed: 0  # default" in lines
    assert f"transcription.scripted.missing: hash  # {config}:12" in lines
    assert not any("scripted.hang_on" in line for line in lines)
    assert len(lines) > 400


@pytest.mark.parametrize("arguments", [("show",), ("diff",), ("show", "--json"), ("diff", "--json")])
def test_no_secret_is_shown(config: Path, arguments: tuple[str, ...]) -> None:
    shown = said(*arguments, "--config", str(config))
    assert "postgresql://me:***@localhost/calls" in shown
    assert "/calls/${EARSHOT_TEST_PART}" in shown
    for secret in ("hunter2secret", "secretpath99", "never-to-be-shown"):
        assert secret not in shown


def test_a_key_is_shown_with_its_meaning(config: Path) -> None:
    lines = said("show", "run.max_hours", "--config", str(config)).splitlines()
    assert lines == [
        "run.max_hours: 2.0",
        f"from:    {config}:3",
        "default: null",
        "takes:   number over 0 or null",
        "redoes:  nothing",
        "meaning: No new call is started after this many hours; null for no limit.",
    ]


def test_for_machines_a_key_is_a_row_as_in_a_list_of_all(config: Path) -> None:
    (row,) = json.loads(said("show", "run.max_hours", "--config", str(config), "--json"))
    assert row == {"setting": "run.max_hours", "value": 2.0, "default": None, "from": f"{config}:3"}


def test_an_area_is_shown_with_all_below_it_and_nothing_beside(config: Path) -> None:
    lines = said("show", "input.s3", "--config", str(config)).splitlines()
    assert len(lines) > 5
    assert all(line.startswith("input.s3.") for line in lines)


def test_diff_shows_what_differs_and_nothing_that_only_stands_there(config: Path) -> None:
    rows = json.loads(said("diff", "--config", str(config), "--set", "run.seed=0", "--json"))
    assert {row["setting"] for row in rows} == {
        "run.max_hours",
        "input.path",
        "database.url",
        "reporting.notify.webhook.url",
        "transcription.scripted.missing",
    }
    row = next(row for row in rows if row["setting"] == "run.max_hours")
    assert row == {"setting": "run.max_hours", "value": 2.0, "default": None, "from": f"{config}:3"}


def test_diff_of_the_shipped_file_is_nothing() -> None:
    assert said("diff") == "every setting is the default\n"


def test_a_whole_area_on_the_command_line_is_named_as_origin(config: Path) -> None:
    loaded = load_settings(config, ["run={order: oldest}"])
    origins = {setting.key.name: setting.origin for setting in effective(loaded)}
    assert origins["run.order"] == "--set run"
    assert origins["run.max_hours"] == "default"


@pytest.mark.parametrize(
    ("key", "part"),
    [("run.ordre", "run.order"), ("max_hours", "run.max_hours"), ("zzz", "`run.py config show` lists all")],
)
def test_an_unknown_key_gets_a_suggestion(config: Path, key: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match="no setting") as caught:
        said("show", key, "--config", str(config))
    assert part in str(caught.value)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        said("show", "--config", str(tmp_path / "other.yaml"))
