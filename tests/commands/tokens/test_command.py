"""The command line of `run.py tokens`: every option arrives, and what is shown is what is kept."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from commands.tokens.command import app
from db.access.reads import keep_reads
from db.access.tokens import all_tokens
from db.connection import Database


@pytest.fixture
def options(tmp_path: Path, url: str) -> list[str]:
    config = tmp_path / "config.yaml"
    config.write_text("input: {timezone: Asia/Tokyo}\n", encoding="utf-8")
    return ["--config", str(config), "--set", f"database.url={url}"]


def shown(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words], env={"COLUMNS": "250"})
    assert done.exit_code == code, done.output
    return done.output


def test_every_option_of_a_token_is_kept(options: list[str], database: Database) -> None:
    wanted = [
        "--scope",
        "read",
        "--scope",
        "submit",
        "--scope",
        "read",
        "--segment",
        "b2b",
        "--queue",
        "a",
        "--queue",
        "b",
    ]
    shown("create", "one", *wanted, "--days", "3", "--note", "why", *options)
    shown("create", "two", "--scope", "admin", "--for-ever", *options)
    shown("create", "three", "--scope", "read", *options)
    kept = {token.name: token for token in all_tokens(database)}
    assert (kept["one"].scopes, kept["one"].segments, kept["one"].queues) == (("read", "submit"), ("b2b",), ("a", "b"))
    assert (kept["one"].note, kept["two"].note, kept["two"].segments, kept["two"].queues) == ("why", "", None, None)
    lives = {name: token.expires_at and token.expires_at - token.created_at for name, token in kept.items()}
    assert abs((lives["one"] or timedelta()) - timedelta(days=3)) < timedelta(minutes=5)
    assert lives["two"] is None
    assert abs((lives["three"] or timedelta()) - timedelta(days=365)) < timedelta(minutes=5)
    listed = shown("list", *options)
    for words in ("good until", "good for ever", "b2b; a, b", "all"):
        assert words in listed
    assert [token["name"] for token in json.loads(shown("list", "--json", *options))] == [
        t.name for t in all_tokens(database)
    ]
    shown("revoke", "two", *options)
    assert "revoked " in shown("list", *options)
    with database.connection() as connection:
        connection.execute("UPDATE access_tokens SET expires_at = now() - interval '1 day' WHERE name = 'three'")
    assert "expired " in shown("list", *options)


@pytest.mark.parametrize(
    "wrong", [["--scope", "reed"], [], ["--scope", "read", "--days", "0"], ["--scope", "read", "--segment", " "]]
)
def test_a_wrong_token_is_refused(options: list[str], wrong: list[str], database: Database) -> None:
    done = CliRunner().invoke(app, ["create", "x", *wrong, *options])
    assert done.exit_code != 0
    assert all_tokens(database) == []


def test_who_read_what_is_a_table_and_filtered(options: list[str], database: Database) -> None:
    call = uuid.uuid4()
    keep_reads(database, [call, uuid.uuid4()], reader="ann", credential="token abc", what="page", address="192.0.2.7")
    keep_reads(database, [call], reader="bob[/b]", credential="jwt", what="audio", address=None)

    def read(*words: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(shown("audit", "--json", *words, *options))
        return rows

    assert len(read()) == 3
    assert [row["reader"] for row in read("--reader", "ann")] == ["ann", "ann"]
    assert [row["call_id"] for row in read("--call", str(call))] == [str(call)] * 2
    assert len(read("--limit", "1")) == 1
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert shown("audit", "--since", tomorrow, *options).strip() == "Nobody has read such a call through the service."
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    assert len(read("--since", yesterday)) == 3
    table = shown("audit", "--limit", "2", *options)
    for words in (
        "when",
        "ann",
        "bob[/b]",
        "token abc",
        "jwt",
        "audio",
        "page",
        str(call),
        "(erased)",
        "192.0.2.7",
        "+09:00",
    ):
        assert words in table
