"""Passages and vectors of calls, kept up with them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from commands.ask.index import index_calls
from db.connection import Database
from db.ledger.passages import StoredPassage, store_passages, transcripts_to_index
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from tests.analysis.questions.encoders import MISSING, KindsEncoder, chosen
from tests.analysis.questions.stored import CANCELS, CARD, store_call


@pytest.fixture
def calls(store: PostgresStore, run_id: str) -> dict[str, str]:
    return {
        "cancels": store_call(store, run_id, "cancels", *CANCELS),
        "card": store_call(store, run_id, "card", *CARD),
    }


def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_each_call_is_indexed_once(calls: dict[str, str], database: Database) -> None:
    first = index_calls(database, Settings(), encoder=chosen())
    assert (first.transcripts, first.left, first.without_vectors) == (2, 0, None)
    assert first.passages == first.vectors == 3
    again = KindsEncoder()
    second = index_calls(database, Settings(), encoder=chosen(again))
    assert (second.transcripts, second.passages, again.encoded) == (0, 0, [])
    spans = rows(database, "SELECT transcript_fingerprint, number, start_s, until_s FROM passages ORDER BY 1, 2")
    assert spans == [("f-cancels", 0, 0.0, 5.0), ("f-cancels", 1, 5.0, 10.0), ("f-card", 0, 0.0, 5.0)]


def test_a_new_call_alone_is_encoded(
    calls: dict[str, str], database: Database, store: PostgresStore, run_id: str
) -> None:
    index_calls(database, Settings(), encoder=chosen())
    store_call(store, run_id, "new", "c: my parcel is late")
    encoder = KindsEncoder()
    assert index_calls(database, Settings(), encoder=chosen(encoder)).transcripts == 1
    assert "my parcel is late" in encoder.encoded
    assert not any("cancel" in text for text in encoder.encoded)


def test_changed_words_leave_the_index_with_their_vectors(
    calls: dict[str, str], database: Database, store: PostgresStore, run_id: str
) -> None:
    index_calls(database, Settings(), encoder=chosen())
    store_call(store, run_id, "card", "c: my card is [CARD_1]", fingerprint="f-card")
    assert rows(database, "SELECT count(*) FROM passages WHERE transcript_fingerprint = 'f-card'") == [(0,)]
    assert index_calls(database, Settings(), encoder=chosen()).transcripts == 1


def test_an_erased_call_leaves_the_index(calls: dict[str, str], database: Database) -> None:
    index_calls(database, Settings(), encoder=chosen())
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DELETE FROM calls WHERE call_id = %s", [calls["card"]])
        connection.execute("DELETE FROM transcripts WHERE fingerprint = 'f-card'")
    assert rows(database, "SELECT DISTINCT transcript_fingerprint FROM passages") == [("f-cancels",)]


def test_a_transcript_that_no_call_shows_leaves_the_index(
    calls: dict[str, str], database: Database, store: PostgresStore, run_id: str
) -> None:
    index_calls(database, Settings(), encoder=chosen())
    store_call(store, run_id, "card", "c: words of a better engine", fingerprint="f-better")
    index_calls(database, Settings(), encoder=chosen())
    shown = rows(database, "SELECT transcript_fingerprint FROM indexed_transcripts ORDER BY 1")
    assert shown == [("f-better",), ("f-cancels",)]


def test_another_encoder_makes_all_vectors_anew_also_of_another_size(calls: dict[str, str], database: Database) -> None:
    index_calls(database, Settings(), encoder=chosen())
    other = index_calls(database, Settings(), encoder=chosen(KindsEncoder("larger", size=400)))
    assert (other.transcripts, other.vectors) == (2, 3)
    assert rows(database, "SELECT DISTINCT vector_dims(vector) FROM passages") == [(400,)]


def test_a_missing_encoder_leaves_vectors_as_they_are_and_indexes_new_calls_without(
    calls: dict[str, str], database: Database, store: PostgresStore, run_id: str
) -> None:
    index_calls(database, Settings(), encoder=chosen())
    store_call(store, run_id, "new", "c: my parcel is late")
    without = index_calls(database, Settings(), encoder=MISSING)
    assert (without.transcripts, without.vectors, without.without_vectors) == (1, 0, "its weights are not here")
    assert rows(database, "SELECT count(*) FROM passages WHERE vector IS NOT NULL") == [(3,)]
    back = index_calls(database, Settings(), encoder=chosen())
    assert (back.transcripts, back.vectors) == (1, 1), "the one without a vector gets it"


def test_a_call_in_a_language_the_encoder_does_not_know_has_passages_without_vectors(
    database: Database, store: PostgresStore, run_id: str
) -> None:
    store_call(store, run_id, "german", "c: ich möchte kündigen", language="de")
    done = index_calls(database, Settings(), encoder=chosen())
    assert (done.passages, done.vectors, done.left) == (1, 0, 0)


def test_a_server_without_pgvector_has_passages_and_says_why_no_vectors(
    calls: dict[str, str], database: Database
) -> None:
    """An account that may not create extensions meets the same as a server that lacks it."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DROP EXTENSION IF EXISTS vector CASCADE")
        role = f"plain_{connection.info.dbname}"
        connection.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'x'".encode())
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}".encode())
        connection.execute(f"ALTER ROLE {role} NOSUPERUSER".encode())
    try:
        limited = Database(
            database.settings, psycopg.conninfo.make_conninfo(database.url, user=role, password="x"), None
        )
        with limited:
            done = index_calls(limited, Settings(), encoder=chosen())
            again = index_calls(limited, Settings(), encoder=chosen())
    finally:
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}".encode())
            connection.execute(f"DROP ROLE {role}".encode())
    assert (done.transcripts, done.passages, done.vectors) == (2, 3, 0)
    assert "CREATE EXTENSION vector" in (done.without_vectors or "")
    assert again.transcripts == 0, "what stands is not made again each night"
    assert rows(database, "SELECT count(*) FROM passages") == [(3,)]


def test_time_that_is_over_leaves_calls_for_the_next_time(calls: dict[str, str], database: Database) -> None:
    done = index_calls(database, Settings(), encoder=chosen(), max_s=0.0)
    assert (done.transcripts, done.left) == (0, 2)
    assert index_calls(database, Settings(), encoder=chosen()).left == 0


def test_a_transcript_that_changes_meanwhile_is_not_stored_over(calls: dict[str, str], database: Database) -> None:
    (one, *_) = transcripts_to_index(database, [], 1)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE transcripts SET chunks_hash = 'new'")
    assert not store_passages(database, one, "r", [StoredPassage(0.0, 1.0, None)], vectors=False)
    assert rows(database, "SELECT count(*) FROM passages") == [(0,)]


def test_a_call_without_words_is_done_and_not_tried_again(
    database: Database, store: PostgresStore, run_id: str
) -> None:
    store_call(store, run_id, "silent")
    assert index_calls(database, Settings(), encoder=chosen()).transcripts == 1
    assert index_calls(database, Settings(), encoder=chosen()).transcripts == 0
