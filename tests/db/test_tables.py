"""Whose tables a database holds, said for what it is; tables that were emptied are noticed."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from commands.doctor.finding import State
from commands.doctor.services import database as examined
from db.connection import Database, connect
from db.existing import existing_ledger
from db.ledger.store import PostgresStore
from db.migrate import migrate
from db.tables import emptied_tables
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import DatabaseUnavailable
from tests.db.samples import found, outcome


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def with_path(url: str, search_path: str) -> str:
    return f"{url}&options=-csearch_path%3D{search_path}"


def test_somebody_elses_tables_are_told_as_such(empty_url: str) -> None:
    """They blamed missing rights: "the account needs the right to create tables"."""
    execute(empty_url, "CREATE TABLE calls (id int)", "INSERT INTO calls VALUES (1)")
    for looks in (migrate, lambda url: connect(DatabaseSettings(url=url))):
        with pytest.raises(DatabaseUnavailable, match="holds calls, which Earshot did not make") as told:
            looks(empty_url)
        assert "right" not in str(told.value)
    with (
        pytest.raises(DatabaseUnavailable, match="did not make"),
        existing_ledger(DatabaseSettings(url=empty_url)),
    ):
        pass
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT * FROM calls").fetchall() == [(1,)]


def test_a_search_path_that_leads_past_our_tables(url: str) -> None:
    """A second, empty set of tables was made in front of the first."""
    execute(url, "CREATE SCHEMA other")
    with pytest.raises(DatabaseUnavailable, match=r"tables are in schema `public`, but search_path is `other,public`"):
        migrate(with_path(url, "other,public"))
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'other'").fetchall() == []


def test_a_search_path_that_names_no_schema(empty_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="search_path is `missing`, which names no schema"):
        migrate(with_path(empty_url, "missing"))


def test_a_schema_of_its_own_beside_another_is_allowed_and_said(url: str, caplog: pytest.LogCaptureFixture) -> None:
    execute(url, "CREATE SCHEMA other")
    assert migrate(with_path(url, "other")) != []
    assert "also has tables in schema public" in caplog.text


def test_a_right_that_is_missing_is_told_as_such(empty_url: str) -> None:
    execute(empty_url, "CREATE ROLE test_plain LOGIN PASSWORD 'pw'")
    plain = empty_url.replace(empty_url.split("//")[1].split("@", maxsplit=1)[0], "test_plain:pw")
    try:
        with pytest.raises(DatabaseUnavailable, match=r"permission denied .* lacks this right"):
            migrate(plain)
    finally:
        execute(empty_url, "DROP ROLE test_plain")


@pytest.fixture
def stored(store: PostgresStore, run_id: str) -> Database:
    """A database with a call, and a finished run that says so."""
    store.save_call(outcome(store.claim_call(found(), "aa", None), run_id))
    store.end_run(run_id, 0, {"done": 1, "unchanged": 3}, {})
    return store.database


def test_a_whole_database_is_told_nothing_of(stored: Database) -> None:
    assert emptied_tables(stored) == []


def test_a_run_that_stored_nothing_is_told_nothing_of(store: PostgresStore, run_id: str) -> None:
    store.end_run(run_id, 0, {"done": 0, "unchanged": 0}, {"reconciliation": {"database_all": {}}})
    assert emptied_tables(store.database) == []


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("TRUNCATE calls CASCADE", ["calls"]),
        ("DELETE FROM calls", ["calls"]),
        ("TRUNCATE transcript_chunks", ["transcript_chunks"]),
        ("TRUNCATE call_steps", ["call_steps"]),
        ("TRUNCATE chunk_sentiments", ["chunk_sentiments"]),
    ],
)
def test_an_emptied_table_is_noticed(stored: Database, statement: str, tables: list[str]) -> None:
    execute(stored.url, statement)
    told = emptied_tables(stored)
    assert [line.split()[1] for line in told] == tables
    if tables == ["calls"]:
        assert "left 4 calls stored" in told[0]
    finding = examined(stored.settings)
    assert finding.state is State.WARNING
    assert told[0] in finding.detail


def test_the_report_of_the_last_run_says_what_was_stored_where_it_can(stored: Database) -> None:
    execute(
        stored.url,
        "TRUNCATE calls CASCADE",
        """UPDATE runs SET report = '{"reconciliation": {"database_all": {"done": 500, "skipped": 2}}}'""",
    )
    assert "left 502 calls stored" in emptied_tables(stored)[0]


def test_a_run_says_that_a_table_was_emptied(
    tmp_path: Path, stored: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    from commands.run.command import run_calls

    execute(stored.url, "TRUNCATE calls CASCADE")
    (tmp_path / "calls").mkdir()
    config = tmp_path / "config.yaml"
    config.touch()
    settings = {
        "database.url": stored.url,
        "input.path": tmp_path / "calls",
        "output.directory": tmp_path / "output",
        "run.spool_dir": tmp_path / "spool",
    }
    run_calls(config, [f"{key}={value}" for key, value in settings.items()])
    assert "table calls is empty, but run" in capsys.readouterr().err
