"""Rows of live calls, until the ordinary ones take their place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from db.connection import Database
from db.ledger.live import PostgresLiveStore
from db.ledger.store import PostgresStore
from db.queries.chosen import RowScope
from db.queries.live import live_call, live_calls, live_turns
from pipeline.live.events import Analysis, Turn, TurnMood
from pipeline.live.ports import CallStart, LiveHeader
from pipeline.live.sound import Encoding
from pipeline.records import CallFailure, CallMetadata, CustomerSegment, Role
from tests.db.samples import found, outcome, prepared, transcript

NAME = "live_20261126_220000_abc.wav"
HEADER = LiveHeader(
    session="abc",
    started_at=datetime(2026, 11, 26, 22, tzinfo=UTC),
    file_name=NAME,
    start=CallStart(
        sample_rate_hz=8000,
        encoding=Encoding.MULAW,
        roles=(Role.CLIENT, Role.AGENT),
        metadata=CallMetadata(queue="billing", customer_segment=CustomerSegment.B2C, extra={"sid": "\x00x"}),
    ),
)
TURN = Turn(
    track=1,
    ordinal=0,
    role=Role.AGENT,
    start_s=0.5,
    end_s=2.0,
    text="good \x00morning",
    language="en",
    flags=("low_confidence",),
    mood=TurnMood(label="neutral", probabilities={"negative": 0.1, "neutral": 0.8, "positive": 0.1}),
)


@pytest.fixture
def live(database: Database) -> PostgresLiveStore:
    store = PostgresLiveStore(database)
    store.begin(HEADER)
    store.add_turn("abc", TURN)
    return store


def store_ordinary(store: PostgresStore, run_id: str) -> str:
    call = replace(found(), file_name=NAME)
    call_id = store.claim_call(call, "aa", None)
    store.save_call(outcome(call_id, run_id, call, audio=prepared("aa"), words=transcript("aa")))
    return call_id


def test_a_call_is_read_while_it_is_held(database: Database, live: PostgresLiveStore) -> None:
    live.add_turn("abc", TURN)  # told again
    live.add_turn("abc", replace(TURN, track=0, start_s=0.1, text="hello"))
    (call,) = live_calls(database)
    assert (call.session, call.roles, call.queue, call.ended_at) == ("abc", ("client", "agent"), "billing", None)
    turns = live_turns(database, "abc")
    assert [(turn.track, turn.text, turn.mood) for turn in turns] == [
        (0, "hello", "neutral"), (1, "good morning", "neutral"),
    ]  # fmt: skip


def test_its_end_is_told(database: Database, live: PostgresLiveStore) -> None:
    live.handed_over("abc", "file:///x.wav", "job 1")
    live.end("abc", "stopped", 12.5, Analysis(topic="Billing", summary="A bill.", moods={"client": "negative"}))
    live.end("abc", "killed", None, None)
    call = live_call(database, "abc")
    assert call is not None
    assert call.ended_at is not None
    assert (call.duration_s, call.topic, call.summary, call.job) == (12.5, "Billing", "A bill.", "job 1")
    assert call.moods == {"client": "negative"}


def test_ordinary_rows_replace_the_live_ones(
    database: Database, store: PostgresStore, run_id: str, live: PostgresLiveStore
) -> None:
    live.end("abc", "stopped", 12.5, Analysis(topic="Billing", summary="A bill."))
    call_id = store_ordinary(store, run_id)
    assert live_turns(database, "abc") == []
    call = live_call(database, "abc")
    assert call is not None
    assert (call.call_id, call.summary, call.topic) == (call_id, None, None)
    assert live_calls(database) == []


def test_what_is_told_late_does_not_come_back(
    database: Database, store: PostgresStore, run_id: str, live: PostgresLiveStore
) -> None:
    store_ordinary(store, run_id)
    live.add_turn("abc", replace(TURN, ordinal=1))
    live.end("abc", "stopped", 12.5, Analysis(summary="A bill."))
    call = live_call(database, "abc")
    assert call is not None
    assert call.summary is None
    assert live_turns(database, "abc") == []


def test_a_recording_that_failed_keeps_what_was_heard_live(
    database: Database, store: PostgresStore, run_id: str, live: PostgresLiveStore
) -> None:
    call = replace(found(), file_name=NAME)
    store.save_failure(
        CallFailure(
            found=call, run_id=run_id, stage="decode", error_type="AudioUndecodable", message="no", transient=False
        ),
        3,
    )
    live.add_turn("abc", TURN)
    assert [turn.text for turn in live_turns(database, "abc")] == ["good morning"]
    shown = live_call(database, "abc")
    assert shown is not None
    assert shown.call_id is not None


def test_a_live_call_whose_recording_became_no_call_is_not_listed_for_ever(
    database: Database, live: PostgresLiveStore
) -> None:
    """Too short, say: no ordinary rows ever replaced it."""
    live.handed_over("abc", "file:///recordings/abc.wav", "job")
    assert [call.session for call in live_calls(database)] == ["abc"]
    with database.connection() as connection:
        connection.execute(
            """INSERT INTO jobs (job_id, state, submitted_by, request_hash, file_name, source_uri, ended_at)
               VALUES (gen_random_uuid(), 'skipped', 'ann', '', %s, 'file:///recordings/abc.wav', now())""",
            [NAME],
        )
    assert live_calls(database) == []
    assert live_call(database, "abc") is not None, "who knows its session finds it"


def test_erasing_the_call_erases_what_was_heard_live(
    database: Database, store: PostgresStore, run_id: str, live: PostgresLiveStore
) -> None:
    call_id = store_ordinary(store, run_id)
    with database.connection() as connection:
        connection.execute("DELETE FROM calls WHERE call_id = %s", [call_id])
    assert live_call(database, "abc") is None
    assert live is not None


@pytest.mark.parametrize(
    ("within", "seen"),
    [
        (RowScope(), True),
        (RowScope(segments=("b2c",), queues=("billing", "cards")), True),
        (RowScope(segments=("b2b",)), False),
        (RowScope(queues=("cards",)), False),
    ],
)
def test_a_row_scope_holds_for_live_calls(
    database: Database, live: PostgresLiveStore, within: RowScope, seen: bool
) -> None:
    assert (live_call(database, "abc", within) is not None) is seen
    assert bool(live_calls(database, within)) is seen
    assert live is not None
