"""Errors of PostgreSQL in words: what is damaged, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from db.connection import Database, connect
from db.embedded.server import EmbeddedServer
from db.faults import damaged
from db.ledger.store import PostgresStore
from db.queries.calls import status_counts
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import DatabaseUnavailable, StartupError
from tests.db.samples import found, outcome

PAGE_BYTES = 8192


@pytest.fixture(scope="module")
def folder(open_folder: Path) -> Iterator[Path]:
    """A server of these tests' own, with one call stored."""
    path = open_folder / "damaged"
    with connect(DatabaseSettings(data_dir=path)) as database:
        store = PostgresStore(database)
        run_id = store.begin_run({}, "h", "here")
        store.save_call(outcome(store.claim_call(found(), "aa", None), run_id))
        store.end_run(run_id, 0, {}, {})
        store.close()
    yield path
    EmbeddedServer(path).stop(force=True)


def spoilt(folder: Path, relation: str) -> tuple[Path, bytes]:
    """Overwrite the middle of the first page of a relation; returns its file and what was in it."""
    with connect(DatabaseSettings(data_dir=folder)) as database, database.connection() as connection:
        row = connection.execute("SELECT pg_relation_filepath(%s::regclass)", [relation]).fetchone()
        assert row is not None
        assert database.server is not None
        path = database.server.files().cluster / row[0]
    whole = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(PAGE_BYTES // 2)
        file.write(b"\xa5" * (PAGE_BYTES // 2))
    return path, whole


@pytest.mark.parametrize(
    ("relation", "told"),
    [
        ("calls", "the table calls is damaged on disk; check the disk, then restore the database from a backup"),
        ("calls_by_status", "the index calls_by_status of table calls is damaged; no row is lost: rebuild it with"),
    ],
)
def test_a_damaged_page_is_named_with_what_to_do(folder: Path, relation: str, told: str) -> None:
    """It was a traceback. Checksums find it; a page is damaged in the middle, where its header says nothing."""
    path, whole = spoilt(folder, relation)
    query = f"SELECT set_config('enable_seqscan', '{relation == 'calls'}', true), * FROM calls WHERE status = 'done'"
    try:
        with connect(DatabaseSettings(data_dir=folder)) as database:
            with pytest.raises(DatabaseUnavailable) as caught, database.connection() as connection:
                connection.execute(query.encode())
            assert told in str(caught.value)
            assert isinstance(caught.value, StartupError), "exit 3"
            if relation == "calls":
                with pytest.raises(DatabaseUnavailable, match="the table calls is damaged"):
                    status_counts(database)
    finally:
        path.write_bytes(whole)


def test_a_file_that_is_gone_is_not_waited_for(folder: Path) -> None:
    path, whole = spoilt(folder, "chunk_sentiments")
    path.unlink()
    try:
        with connect(DatabaseSettings(data_dir=folder, patience_s=3600)) as database:
            store = PostgresStore(database)
            with pytest.raises(DatabaseUnavailable, match="chunk_sentiments is damaged"):
                database.patiently(lambda connection: connection.execute("SELECT * FROM chunk_sentiments").fetchall())
            store.close()
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (psycopg.errors.DataCorrupted("invalid page in block 0 of relation base/5/2"), True),
        (psycopg.OperationalError('connection failed: FATAL: could not open file "base/5/2"'), True),
        (psycopg.OperationalError("connection failed: FATAL: password authentication failed"), False),
        (psycopg.errors.SyntaxError("could not open file"), False),
    ],
)
def test_what_counts_as_damage(error: Exception, answer: bool) -> None:
    assert damaged(error) is answer


def test_a_damaged_table_does_not_hide_behind_another_error(database: Database) -> None:
    with pytest.raises(psycopg.errors.SyntaxError), database.connection() as connection:
        connection.execute("SELEC")
