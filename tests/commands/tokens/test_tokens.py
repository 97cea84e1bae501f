"""`run.py tokens` as a person uses it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from commands.tokens.making import Wish, end, make
from commands.tokens.showing import show_reads, show_tokens
from db.access.reads import keep_reads
from db.access.scopes import Scope
from db.access.token_text import parsed
from db.access.tokens import all_tokens
from db.connection import Database
from pipeline.errors import ConfigurationError

READING = Wish(
    name="reporting", scopes=(Scope.READ_WITHOUT_TEXT,), segments=None, queues=("billing",), days=30, note="monthly"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.touch()
    return path


@pytest.fixture
def places(url: str) -> list[str]:
    return [f"database.url={url}"]


def test_a_token_is_shown_once_and_alone_on_its_line(
    config: Path, places: list[str], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(config, places, READING, as_json=False) == 0
    shown = capsys.readouterr()
    token = parsed(shown.out.strip())
    assert "only time it is shown" in shown.err
    assert token.text not in shown.err
    (kept,) = all_tokens(database)
    assert (kept.token_id, kept.secret_sha256) == (token.token_id, token.sha256)
    assert (kept.scopes, kept.queues, kept.segments, kept.note) == (
        ("read_without_text",),
        ("billing",),
        None,
        "monthly",
    )
    assert kept.expires_at is not None
    assert (kept.expires_at - kept.created_at).days in (29, 30)
    show_tokens(config, places, as_json=False)
    show_tokens(config, places, as_json=True)
    listed = capsys.readouterr().out
    assert token.token_id in listed
    assert token.text.split("_")[2] not in listed
    assert token.sha256.hex() not in listed


def test_for_machines_it_is_json(config: Path, places: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    make(config, places, READING, as_json=True)
    made = json.loads(capsys.readouterr().out)
    assert parsed(made["token"]).token_id == made["token_id"]
    show_tokens(config, places, as_json=True)
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["expired"], listed["revoked_at"]) == ("reporting", False, None)


def test_one_is_revoked_by_name_or_id(
    config: Path, places: list[str], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    make(config, places, READING, as_json=False)
    assert end(config, places, "reporting") == 0
    make(config, places, READING, as_json=False)
    token_id = next(token.token_id for token in all_tokens(database) if token.good)
    assert end(config, places, token_id) == 0
    assert not any(token.good for token in all_tokens(database))
    capsys.readouterr()
    show_tokens(config, places, as_json=False)
    assert "revoked" in capsys.readouterr().out
    for name in ("reporting", "nobody"):
        with pytest.raises(ConfigurationError, match="no valid token"):
            end(config, places, name)


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\nb", "local", "jwt:ann"])
def test_a_name_that_is_none_or_somebody_elses_is_refused(config: Path, places: list[str], name: str) -> None:
    with pytest.raises(ConfigurationError):
        make(
            config, places, Wish(name=name, scopes=(Scope.READ,), segments=None, queues=None, days=None, note=""), False
        )


def test_who_read_what_is_shown(
    config: Path, places: list[str], database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    show_reads(config, places, as_json=False)
    assert "Nobody has read" in capsys.readouterr().out
    one, other = uuid.uuid4(), uuid.uuid4()
    keep_reads(database, [one, other], reader="ann", credential="token abc", what="page", address="192.0.2.7")
    keep_reads(database, [one], reader="bob", credential="jwt", what="audio", address=None)
    show_reads(config, places, as_json=True, call=str(one))
    found = json.loads(capsys.readouterr().out)
    assert [(row["reader"], row["what"]) for row in found] == [("bob", "audio"), ("ann", "page")]
    show_reads(config, places, as_json=True, reader="ann", limit=1)
    (row,) = json.loads(capsys.readouterr().out)
    assert row["address"] == "192.0.2.7"
    with pytest.raises(ConfigurationError, match="not a call_id"):
        show_reads(config, places, as_json=True, call="x")
