"""Transcripts of two models of one call: kept side by side, and which of them is the row's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.records import CallStatus
from tests.db.ledger.test_store import keep, known, one, rows
from tests.db.samples import TALK, all_steps, identity, outcome, prepared, sentiments, transcript


def test_two_models_side_by_side(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id)
    second = transcript("f2", chunks=TALK[:2], who=replace(identity(), model="other"))
    keep(store, run_id, words=second, steps=all_steps(TALK[:2]))
    assert store.transcript("f1") == transcript()
    assert store.transcript("f2") == second
    assert one(database, "SELECT transcript_fingerprint FROM calls") == "f2"
    assert one(database, "SELECT count(*) FROM chunks") == 2


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (identity(0), identity(1), True),
        (identity(1), identity(0), False),
        (identity(0), replace(identity(0), options_hash="o2"), False),
        (identity(2), identity(0, demonstration=True), True),
        (identity(0, demonstration=True), identity(1), False),
    ],
    ids=["later listed", "earlier listed", "same place", "demonstration", "after a demonstration"],
)
def test_a_fallback_never_replaces_a_better_engine(  # noqa: PLR0917
    store: PostgresStore, database: Database, run_id: str, first: Any, second: Any, kept: bool
) -> None:
    keep(store, run_id, words=transcript("f1", who=first))
    words = transcript("f2", chunks=TALK[:1], who=second)
    call_id = known(store).call_id
    assert store.save_call(outcome(call_id, run_id, words=words, steps=all_steps(TALK[:1]))) is not kept
    assert one(database, "SELECT transcript_fingerprint FROM calls") == ("f1" if kept else "f2")
    assert one(database, "SELECT count(*) FROM chunk_sentiments") == (3 if kept else 1)


def test_a_downgrade_can_be_allowed(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = keep(store, run_id)
    lenient = PostgresStore(database, allow_downgrade=True)
    worse = transcript("f2", who=identity(3, demonstration=True))
    assert lenient.save_call(outcome(call_id, run_id, words=worse))
    assert one(database, "SELECT asr_demonstration FROM calls") is True


def test_changed_bytes_are_not_bound_to_the_old_transcript(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    call_id = keep(store, run_id)
    other = transcript("f9", who=identity(1))
    assert store.save_call(outcome(call_id, run_id, audio=prepared("bb"), words=other))
    assert one(database, "SELECT transcript_fingerprint FROM calls") == "f9"


def test_a_new_transcript_empties_what_was_not_redone(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = keep(store, run_id)
    newer = transcript("f2", who=replace(identity(), revision="r2"))
    assert store.save_call(
        outcome(call_id, run_id, words=newer, steps=(sentiments("text"),), status=CallStatus.TRANSCRIBED)
    )
    assert rows(database, "SELECT summary, topic, agent_acoustic_sentiment, turns, llm_model, status FROM calls") == [
        (None, None, None, None, None, "transcribed")
    ]
    assert set(store.step_results(call_id, "f2")) == {"text"}
