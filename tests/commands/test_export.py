"""`run.py export`: which files it writes and how it answers to a wrong command line."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from commands.app import app
from db.ledger.store import PostgresStore
from pipeline.errors import ConfigurationError
from tests.db.samples import found, outcome


def export(url: str, folder: Path, *arguments: str) -> str:
    """What the command says; raises what it raises."""
    config = folder / "config.yaml"
    config.write_text(f"database:\n  url: {url}\ninput:\n  timezone: Europe/Paris\n")
    done = CliRunner().invoke(app, ["export", *arguments, "--config", str(config)])
    if isinstance(done.exception, SystemExit):
        assert done.exception.code == 0, done.output
    elif done.exception is not None:
        raise done.exception
    return done.output


@pytest.fixture
def call_id(store: PostgresStore, run_id: str) -> str:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id))
    return call_id


def test_a_workbook_by_its_name(url: str, call_id: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.xlsx"
    said = export(url, tmp_path, str(path), "--from", "2026-11-20", "--to", "2026-11-20", "--agent", "A7")
    assert "Calls 1, Turns 3, Action items 1, Attention 2" in said
    assert openpyxl.load_workbook(path)["Calls"]["B1"].value == "Started (Europe/Paris)"


def test_several_formats_each_get_a_file(url: str, call_id: str, tmp_path: Path) -> None:
    export(url, tmp_path, str(tmp_path / "out"), "--format", "csv", "--format", "bigquery", "--format", "txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.yaml", "out", "out.csv", "out.jsonl", "out.schema.json",
    ]  # fmt: skip
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".txt"]


def test_chosen_columns_of_a_table(url: str, call_id: str, tmp_path: Path) -> None:
    path = tmp_path / "said.jsonl"
    export(url, tmp_path, str(path), "--table", "chunks", "--column", "role", "--column", "text", "--call", call_id)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0] == {"role": "client", "text": "hello my card was charged twice"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.docx"], "unknown format docx"),
        (["x"], "unknown format"),
        (["x.csv", "--table", "cals"], "--table cals: choices: results, calls"),
        (["x.csv", "--table", "calls", "--column", "mod"], "--column mod"),
        (["x.csv", "--mood", "sad"], "--mood sad: choices: negative"),
        (["x.csv", "--direction", "up"], "--direction up: choices"),
        (["x.csv", "--from", "2026-02-02", "--to", "2026-01-01"], "lies before"),
        (["x.csv", "--call", "1"], "--call 1: not a call_id"),
    ],
)
def test_a_wrong_command_line(url: str, tmp_path: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        export(url, tmp_path, *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
