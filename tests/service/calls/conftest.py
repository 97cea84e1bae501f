"""Many calls that differ in whatever lists are ordered and chosen by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from analysis.records import CallSentiment, Topic
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from pipeline.records import CallFailure
from service.app import API_ROOMS, application
from tests.db.samples import CALM, CROSS, GLAD, MOMENT, found, outcome, prepared, sentiments, step, talk, transcript
from tests.service.conftest import LOOPBACK, all_heard

MANY = 13


@pytest.fixture
def many(database: Database, store: PostgresStore, run_id: str, url: str) -> list[str]:
    """Ids of the calls, one of which failed. Some begin at the same moment, some at none that is known."""
    calls = [_stored(store, run_id, number) for number in range(MANY - 1)]
    failure = CallFailure(found=found("bad.wav"), run_id=run_id, stage="prepare", error_type="AudioUndecodable",
                          message="no", transient=False)  # fmt: skip
    store.save_failure(failure, 3)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE calls SET attention_weight = 2, attention_critical = agent_id = 'A1' "
                           "WHERE agent_id IN ('A1', 'A2')")  # fmt: skip
        connection.execute("UPDATE calls SET duration_s = NULL WHERE agent_id = 'A0'")
        bad = connection.execute("SELECT call_id::text FROM calls WHERE status <> 'done'").fetchone()
    assert bad is not None
    return [*calls, bad[0]]


def _stored(store: PostgresStore, run_id: str, number: int) -> str:
    call = found(f"{number}.wav")
    began = None if number % 5 == 4 else MOMENT + timedelta(hours=number // 2)
    call = replace(call, metadata=replace(call.metadata, started_at=began, agent_id=f"A{number % 3}"))
    mood = sentiments("fusion")
    assert isinstance(mood.payload, CallSentiment)
    roles = tuple(replace(role, sentiment=(CROSS, CALM, GLAD)[number % 3]) for role in mood.payload.roles)
    steps = [
        replace(mood, payload=replace(mood.payload, roles=roles)),
        step("conversation", replace(talk(), silence_share=number % 4 / 10)),
        step("topic", Topic(topic="Billing", subtopic=("Refund", None)[number % 2], confidence=None)),
    ]
    call_id = store.claim_call(call, f"s{number}", None)
    words = transcript(f"f{number}")
    store.save_call(outcome(call_id, run_id, call, audio=prepared(f"s{number}"), words=words, steps=tuple(steps)))
    return call_id


@pytest.fixture
def client(many: list[str], database: Database, settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """The API over these calls."""
    assert len(many) == MANY
    app = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS)
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as browser:
        yield browser
