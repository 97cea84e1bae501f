"""Recordings that are shown, whatever became of them."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.chosen import CALLS, CallFilter
from db.queries.listing import listed_calls, total_of
from db.queries.reading import shown_call
from pipeline.records import CallStatus
from tests.db.samples import found, outcome


@pytest.mark.parametrize("status", CallStatus)
def test_a_recording_is_shown_whatever_became_of_it_and_listed_if_it_is_a_call_or_asked_for(
    status: CallStatus, database: Database, store: PostgresStore, run_id: str
) -> None:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id))
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE calls SET status = %s WHERE call_id = %s", [status, call_id])
    call = shown_call(database, uuid.UUID(call_id))
    assert call is not None
    assert (str(call.call_id), call.status) == (call_id, status)
    assert shown_call(database, uuid.UUID(int=1)) is None
    is_call = status in CALLS
    assert [str(one.call_id) for one in listed_calls(database, CallFilter(), "UTC")] == [call_id] * is_call
    assert total_of(database, CallFilter(), "UTC").calls == is_call
    assert total_of(database, CallFilter(status=status), "UTC").calls == 1
