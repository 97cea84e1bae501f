"""What commands tell of a database with calls, of one without, and against wrong options: kept, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from db.connection import Database
from tests.commands.running import called
from tests.pinned import assert_pinned
from tests.service.calls.conftest import many
from tests.service.test_api_as_before import masked

__all__ = ["many"]

OF_MANY: Sequence[tuple[str, ...]] = (
    ("status",),
    ("status", "--json"),
    ("search", "charged", "--agent", "A1"),
    ("search", "chargd", "--agent", "A1"),
    ("search", "charged twice", "--role", "client", "--agent", "A1", "--limit", "2", "--open", "9"),
    ("search", "nobody said this"),
    ("search", "charged", "--agent", "A1", "--json", "--limit", "1"),
    ("search", "..."),
    ("db", "purge", "--before", "2020-01-01", "--dry-run"),
    ("db", "purge", "--before", "2100-01-01", "--dry-run"),
    ("db", "purge", "--customer", "C-77", "--dry-run"),
    ("db", "purge"),
    ("db", "purge", "--before", "2100-01-01", "--customer", "x", "--dry-run"),
    ("db", "migrate"),
    ("db", "grant", "--login", "reader"),
    ("db", "url"),
    ("db", "status"),
    ("db", "start"),
    ("db", "stop"),
    ("db", "dictionary", "--output", "FOLDER/dictionary.html"),
    ("tokens", "list"),
    ("tokens", "create", "reading room", "--scope", "read", "--days", "30"),
    ("tokens", "list"),
    ("tokens", "list", "--json"),
    ("tokens", "audit"),
    ("tokens", "audit", "--call", "seven"),
    ("evaluate", "scorecard"),
    ("evaluate", "scorecard", "--read", "a.csv", "--read", "b.csv", "--read", "c.csv"),
    ("evaluate", "scorecard", "--sheet", "FOLDER/s.csv"),
    ("evaluate", "watch", "--draw", "--read", "a.csv"),
    ("evaluate", "watch", "--draw"),
    ("evaluate", "watch"),
    ("evaluate", "watch", "--json"),
    ("evaluate", "watch", "--sheet", "FOLDER/drawn.csv"),
    ("evaluate", "transcripts", "--truth", "FOLDER"),
    ("evaluate", "topics", "--labels", "FOLDER"),
    ("ask", "Who was charged twice?"),
    ("ask", "--index"),
    ("ask",),
    ("export", "FOLDER/out.csv", "--agent", "A1"),
    ("export", "FOLDER/out.xlsx", "--table", "calls", "--column", "call_id", "--column", "agent_id"),
    ("export", "FOLDER/out.csv", "--table", "nonsense"),
    ("export", "FOLDER/out.csv", "--column", "nonsense"),
    ("export", "FOLDER/out.csv", "--format", "html"),
    ("export", "FOLDER/pages", "--format", "html", "--agent", "A1", "--no-audio"),
    ("keys", "make", "FOLDER/key"),
    ("keys", "make", "FOLDER/key"),
    ("keys", "rotate"),
    ("keys", "check"),
    ("train", "text", "--labels", "none.csv", "--out", "FOLDER/model"),
    ("train", "nonsense", "--labels", "none.csv", "--out", "FOLDER/model"),
    ("config", "show", "output.directry"),
    ("config", "show", "output.directory"),
    ("config", "diff"),
    ("work",),
    ("serach", "charged"),
    ("FOLDER/nowhere",),
)
WITHOUT: Sequence[tuple[str, ...]] = (
    ("status",),
    ("search", "charged"),
    ("tokens", "list"),
    ("tokens", "audit"),
    ("report", "--output", "FOLDER/report.html"),
    ("db", "purge", "--before", "2100-01-01", "--yes"),
    ("evaluate", "watch"),
    ("ask", "Who was charged twice?"),
    ("export", "FOLDER/out.csv"),
)
WITHOUT_CONFIG = {("keys", "make")}
_VARIES = (
    (re.compile(r"postgresql://[^\s'\"?]*(?:\?[^\s'\"]*)?"), "DATABASE"),
    (re.compile(r"test_[0-9a-f]{12}"), "DATABASE"),
    (re.compile(r"earshot_[a-z0-9]{8}_\w+"), "TOKEN"),
    (re.compile(r"(?<=│ )[a-z0-9]{8}(?=│| +│)|(?<=\"token_id\": \")\w+"), "TOKEN"),
    (re.compile(r"sha256:[0-9a-f]{16}"), "HASH"),
    (re.compile(r"\d+ tables and views"), "TABLES"),
    (re.compile(r"python -m pytest\.run"), "run.py"),
    (
        re.compile(
            r"20\d\d-\d\d-\d\d(?<!2026-11-20|2020-01-01|2100-01-01)(?:[ T]\d\d:\d\d(?::\d\d[0-9.]*)?(?:[+]00:00)?)?"
        ),
        "DAY",
    ),
    (re.compile(r"\d\d?\.\d+ (?:s|ms|kB|MB)\b|\d+(?:,\d+)* bytes"), "SOME"),
    (re.compile(r"[ ]+(?=│|\n)"), ""),
    (re.compile(r"[─━]{3,}"), "──"),
)


def told(command: tuple[str, ...], url: str, folder: Path) -> str:
    arguments = [part.replace("FOLDER", str(folder)) for part in command]
    config = ["--config", str(folder / "config.yaml"), "--set", f"database.url={url}", "--set", "encoder.engine=off"]
    done = called(arguments if command[:2] in WITHOUT_CONFIG else [*arguments, *config])
    text = f"{done.stdout}{done.stderr}"
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    return f"$ {' '.join(command)}\n{text.strip()}\n-> {done.returncode}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "140")
    (tmp_path / "config.yaml").write_text(f"output: {{directory: {tmp_path / 'output'}}}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("many")
def test_what_commands_tell_of_many_calls(url: str, database: Database, folder: Path) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE runs SET state = 'finished', ended_at = started_at + interval '1 minute', exit_code = 1"
        )
    said = "\n".join(told(command, url, folder) for command in OF_MANY)
    assert_pinned("of_many.txt", masked(said, folder))


def test_what_commands_tell_of_no_calls(url: str, folder: Path) -> None:
    assert_pinned("of_none.txt", masked("\n".join(told(command, url, folder) for command in WITHOUT), folder))
