"""Searching what was said, and who may read it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.calls import search
from db.roles import READER, READER_NO_TEXT, create_reader, grant_readers
from pipeline.errors import ConfigurationError
from pipeline.records import Role
from tests.db.samples import chunk, found, outcome, prepared, transcript

SAID = (
    chunk(0, 0, 0.0, "My card was charged twice"),
    chunk(1, 0, 2.0, "I refunded the charge, the card is fine"),
    chunk(0, 1, 4.0, "merci, la facture n'est pas arrivée"),
)


@pytest.fixture
def talk(store: PostgresStore, run_id: str) -> str:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id, words=transcript(chunks=SAID), steps=()))
    old = store.claim_call(found("b.wav"), "bb", None)
    store.save_call(outcome(old, run_id, found("b.wav"), audio=prepared("bb"), words=transcript("f2"), steps=()))
    # f2 is replaced: its words are found no more
    store.save_call(
        outcome(old, run_id, found("b.wav"), audio=prepared("bb"), words=transcript("f3", chunks=()), steps=())
    )
    return call_id


@pytest.mark.parametrize(
    ("query", "options", "places"),
    [
        ("card", {}, {(0, 0), (1, 0)}),
        ("card", {"role": Role.AGENT}, {(1, 0)}),
        ("card -twice", {}, {(1, 0)}),
        ('"charged twice"', {}, {(0, 0)}),
        ("twice OR merci", {}, {(0, 0), (0, 1)}),
        ("refund", {}, {(1, 0)}),
        ("refunding", {}, set()),
        ("refunding", {"language": "en"}, {(1, 0)}),
        ("refunding", {"language": "fr"}, set()),
        ("arrivée", {}, {(0, 1)}),
        ("sorry", {}, set()),
        ("'; DROP TABLE calls; --", {}, set()),
        ("", {}, set()),
    ],
)
def test_what_a_search_finds(
    talk: str, database: Database, query: str, options: dict[str, object], places: set[tuple[int, int]]
) -> None:
    hits = search(database, query, **options)  # type: ignore[arg-type]
    assert {(hit.channel, hit.ordinal) for hit in hits} == places
    assert {hit.call_id for hit in hits} <= {talk}


def test_a_search_has_a_limit(talk: str, database: Database) -> None:
    (hit,) = search(database, "card", limit=1)
    assert hit.file_name == "a.wav"
    assert hit.rank > 0


@pytest.fixture
def reader_names(database: Database) -> Iterator[tuple[str, str]]:
    names = ("test_reader", "test_reader_no_text")
    yield names
    with database.connection() as connection:
        for name in (*names, "test_plain", READER, READER_NO_TEXT):
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                connection.execute(f'DROP OWNED BY "{name}"'.encode())
                connection.execute(f'DROP ROLE "{name}"'.encode())


def as_user(url: str, name: str) -> psycopg.Connection[tuple[object, ...]]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return psycopg.connect(urlunsplit(parts._replace(netloc=f"{name}:pw@{host}")), autocommit=True)


def test_readers_read_and_nothing_else(talk: str, database: Database, url: str, reader_names: tuple[str, str]) -> None:
    with_text, without = reader_names
    create_reader(database, with_text, "pw", with_text=True)
    create_reader(database, without, "old", with_text=True)
    create_reader(database, without, "pw", with_text=False)  # changed his job
    with as_user(url, with_text) as connection:
        assert connection.execute("SELECT count(*) FROM chunks WHERE text <> ''").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        for statement in (b"DELETE FROM calls", b"UPDATE runs SET host = 'x'", b"CREATE TABLE mine (id int)"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute(statement)
    with as_user(url, without) as connection:
        assert connection.execute("SELECT count(*) FROM calls_without_text").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM chunks_without_text").fetchone() == (3,)
        for relation in ("calls", "chunks", "transcript_chunks", "call_steps", "finished_segments", "runs"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT * FROM {relation}".encode())


def test_views_without_text_hold_no_words(talk: str, database: Database) -> None:
    with database.connection() as connection:
        for view in ("calls_without_text", "chunks_without_text", "steps_without_text", "runs_without_text"):
            shown = str(connection.execute(f"SELECT * FROM {view}".encode()).fetchall())
            assert "charged" not in shown
            assert "twice" not in shown


def test_an_account_that_may_not_make_roles_is_told(
    database: Database, url: str, reader_names: tuple[str, str]
) -> None:
    with database.connection() as connection:
        connection.execute("CREATE ROLE test_plain LOGIN PASSWORD 'pw'")
    parts = urlsplit(url)
    plain = urlunsplit(parts._replace(netloc=f"test_plain:pw@{parts.netloc.rpartition('@')[2]}"))
    with Database(database.settings, plain, None) as weak, pytest.raises(ConfigurationError, match="CREATE ROLE"):
        grant_readers(weak)
