"""Views for analysts, columns that are made of others, and rows that cannot be wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from analysis.records import Topic
from db.admin import look
from db.connection import Database
from db.ledger.store import PostgresStore
from db.migrate import SCHEMA, migrate
from db.tables import broken_rules
from pipeline.config.areas.database import DatabaseSettings
from pipeline.records import CallMetadata, CallStatus, Direction, FoundCall, SkippedFile, StepResult
from tests.db.samples import MOMENT, all_steps, found, outcome, prepared, step, transcript


def rows(database: Database, query: str, *values: object) -> list[tuple[Any, ...]]:
    with database.connection() as connection:
        connection.execute("SET timezone = 'UTC'")
        return connection.execute(query.encode(), values).fetchall()


def keep(store: PostgresStore, run_id: str, name: str, days: float = 0, **changes: Any) -> str:
    """Store a call that began `days` after MOMENT; `metadata` and `steps` as told."""
    metadata = CallMetadata(started_at=MOMENT + timedelta(days=days), **changes.pop("metadata", {"agent_id": "A7"}))
    call: FoundCall = replace(found(name), metadata=metadata)
    call_id = store.claim_call(call, name, None)
    words = transcript(f"t-{name}")
    assert store.save_call(outcome(call_id, run_id, call, audio=prepared(name), words=words, **changes))
    return call_id


def about(topic: str) -> tuple[StepResult, ...]:
    changed = step("topic", Topic(topic=topic, subtopic=None, confidence=None))
    return tuple(changed if result.step == "topic" else result for result in all_steps())


# ----------------------------------------------------------------------------------- made of metadata


@pytest.mark.parametrize(
    ("direction", "extra", "customer", "caller"),
    [
        ("inbound", {"other": "+1 (555) 010-0199"}, "+15550100199", "+15550100199"),
        ("outbound", {"other": "0015550100199"}, "+15550100199", "A7"),
        ("inbound", {"other": "tel:+1-555-010-0199"}, "+15550100199", "+15550100199"),
        ("inbound", {"other": "sip:jane.roe@example.org"}, "jane.roe@example.org", "jane.roe@example.org"),
        ("inbound", {"other": "555", "customer": "C-19"}, "C-19", "555"),
        ("inbound", {"customer": "C-19"}, "C-19", "C-19"),
        ("inbound", {"other": "Anonymous"}, None, None),
        ("inbound", {"other": "unknown caller"}, None, None),
        ("inbound", {"other": " "}, None, None),
        ("internal", {}, None, "204"),
        (None, {"other": "555"}, "555", None),
        ("inbound", {}, None, None),
    ],
)
def test_customer_and_caller_come_from_the_metadata(  # noqa: PLR0917
    store: PostgresStore, database: Database, run_id: str, direction: str | None, extra: Any, customer: Any, caller: Any
) -> None:
    told = {
        "direction": Direction(direction) if direction else None,
        "agent_id": "A7",
        "extension": "204",
        "extra": extra,
    }
    keep(store, run_id, "a.wav", metadata=told)
    assert rows(database, "SELECT customer, caller FROM calls") == [(customer, caller)]


def test_who_calls_again_within_some_days(store: PostgresStore, database: Database, run_id: str) -> None:
    def by(number: str) -> dict[str, Any]:
        return {"direction": Direction.INBOUND, "extra": {"other": number}}

    first = keep(store, run_id, "a.wav", 0, metadata=by("555-1"), steps=about("Billing"))
    second = keep(store, run_id, "b.wav", 2.5, metadata=by("5551"), steps=about("Cards"))
    keep(store, run_id, "c.wav", 3, metadata=by("777"))
    third = keep(store, run_id, "d.wav", 30, metadata=by("555 1"))
    keep(store, run_id, "e.wav", 31, metadata={})
    query = """SELECT call_id::text, previous_call_id::text, previous_topic, days_since::float8, calls_before
               FROM repeat_calls ORDER BY started_at"""
    assert rows(database, query) == [(second, first, "Billing", 2.5, 1), (third, second, "Cards", 27.5, 2)]
    assert rows(database, "SELECT call_id::text FROM repeat_calls WHERE days_since <= 7") == [(second,)]


def test_attention_of_a_call_is_the_sum_of_its_rules(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = keep(store, run_id, "a.wav")
    assert rows(database, "SELECT attention_weight, attention_critical FROM calls") == [(3.5, True)]
    assert rows(database, "SELECT sum(weight), bool_or(critical) FROM attention") == [(3.5, True)]
    without = tuple(result for result in all_steps() if result.step != "rules")
    store.save_call(outcome(call_id, run_id, audio=prepared("b"), words=transcript("t2"), steps=without))
    assert rows(database, "SELECT attention_weight, attention_critical FROM calls") == [(None, None)]


# --------------------------------------------------------------------------------------------- views


def test_calls_done_are_those_that_are_finished(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id, "done.wav")
    keep(store, run_id, "half.wav", status=CallStatus.TRANSCRIBED)
    store.save_skipped([SkippedFile(source_uri="file:///x.txt", file_name="x.txt", size_bytes=3, modified_at=None,
                                    reason="not_audio", message="text")], run_id)  # fmt: skip
    assert rows(database, "SELECT file_name, day::text, week::text, client_mood, client_score FROM calls_done") == [
        ("done.wav", "2026-11-20", "2026-11-16", "negative", -0.75)
    ]


def test_a_side_is_a_row(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id, "a.wav")
    told = rows(database, "SELECT role, mood, talk_s, talk_share, transcription FROM sides ORDER BY role")
    assert [row[0] for row in told] == ["agent", "client"]
    assert told[1] == (
        "client", "negative", 4.0, 4 / 12, "hello my card was charged twice thank you that is great",
    )  # fmt: skip


def test_turns_are_what_one_side_says_until_the_other_begins(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    keep(store, run_id, "a.wav")
    assert rows(database, "SELECT turn, role, start_s, end_s, text, words, doubtful FROM turns ORDER BY turn") == [
        (1, "client", 0.0, 2.0, "hello my card was charged twice", 6, False),
        (2, "agent", 2.5, 4.5, "I am sorry I will refund it", 7, False),
        (3, "client", 5.0, 7.0, "thank you that is great", 5, False),
    ]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles", "Asia/Beirut"])
def test_a_week_of_topics_alone_is_as_among_all(
    database: Database, store: PostgresStore, run_id: str, zone: str
) -> None:
    """Its week is that of the reader's time zone, in winter as in summer."""
    for number, days in enumerate((0, 0.4, 3, 6.9, 7, 7.5, 13.9, 14, 35, 126, 126.5)):
        keep(store, run_id, f"{number}.wav", days, steps=about(f"Topic {number % 2}"))
    plain = """SELECT date_trunc('week', started_at)::date AS week, topic, count(*) FROM calls WHERE topic IS NOT NULL
        GROUP BY 1, 2 ORDER BY 1, 2"""
    with database.connection() as connection:
        connection.execute(f"SET LOCAL timezone = '{zone}'".encode())
        expected = connection.execute(plain.encode()).fetchall()
        query = "SELECT week, topic, calls FROM topics_weekly ORDER BY 1, 2"
        assert connection.execute(query.encode()).fetchall() == expected
        for week in {week for week, *_ in expected}:
            alone = "SELECT week, topic, calls FROM topics_weekly WHERE week = %s ORDER BY 1, 2"
            assert connection.execute(alone.encode(), (week,)).fetchall() == [row for row in expected if row[0] == week]


def test_days_agents_and_topics(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id, "a.wav", 0, metadata={"agent_id": "A7"}, steps=about("Billing"))
    keep(store, run_id, "b.wav", 0.1, metadata={"agent_id": "A8"}, steps=about("Billing"))
    keep(store, run_id, "c.wav", 3, metadata={"agent_id": "A7"}, steps=about("Cards"))
    keep(store, run_id, "d.wav", 4, metadata={"agent_id": "A7"}, steps=about("Billing"))
    keep(store, run_id, "e.wav", 4, status=CallStatus.FAILED)
    assert rows(
        database, "SELECT day::text, calls, done, failed, negative, with_mood, critical FROM daily ORDER BY day"
    ) == [
        ("2026-11-20", 2, 2, 0, 2, 2, 2),
        ("2026-11-23", 1, 1, 0, 1, 1, 1),
        ("2026-11-24", 2, 1, 1, 1, 1, 1),
    ]
    assert rows(database, "SELECT day::text, agent_id, calls FROM daily_agent ORDER BY 1, 2") == [
        ("2026-11-20", "A7", 1), ("2026-11-20", "A8", 1), ("2026-11-23", "A7", 1), ("2026-11-24", "A7", 1),
    ]  # fmt: skip
    query = "SELECT week::text, topic, calls, share, calls_before, change FROM topics_weekly ORDER BY 1, 2"
    assert rows(database, query) == [
        ("2026-11-16", "Billing", 2, 1.0, 0, 2),
        ("2026-11-23", "Billing", 1, 0.5, 2, -1),
        ("2026-11-23", "Cards", 1, 0.5, 0, 1),
    ]


# --------------------------------------------------------------------------------- rows that are wrong


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("UPDATE calls SET client_fusion_probabilities = '{\"negative\": 0.9, \"neutral\": 0.9, \"positive\": 0}'",
         "calls_fusion_probabilities"),
        ("UPDATE calls SET agent_text_probabilities = '{\"negative\": 1.5, \"neutral\": -0.5, \"positive\": 0}'",
         "calls_text_probabilities"),
        ("UPDATE calls SET silence_share = 1.2", "calls_shares"),
        ("UPDATE calls SET agent_talk_s = -1", "calls_seconds"),
        ("UPDATE calls SET topic = NULL, subtopic = 'Refund'", "calls_subtopic_of_a_topic"),
        ("UPDATE chunk_sentiments SET text_positive = NULL", "chunk_sentiments_probabilities"),
        ("UPDATE chunk_sentiments SET fusion_positive = fusion_positive + 0.1", "chunk_sentiments_probabilities"),
        ("UPDATE transcript_chunks SET end_s = start_s - 0.1", "transcript_chunks_times"),
        ("UPDATE rule_matches SET end_s = start_s - 1 WHERE start_s > 1", "rule_matches_check"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused(
    store: PostgresStore, database: Database, run_id: str, change: str, constraint: str
) -> None:
    keep(store, run_id, "a.wav")
    with pytest.raises(errors.CheckViolation) as raised, database.connection() as connection:
        connection.execute(change.encode())
    assert raised.value.diag.constraint_name == constraint


def test_rounded_probabilities_are_right(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id, "a.wav")
    rows(database, "UPDATE calls SET client_text_probabilities = '{\"negative\": 0.3333, \"neutral\": 0.3333, "
                   "\"positive\": 0.3333}' RETURNING 1")  # fmt: skip


_WRONG_CALL = """
    INSERT INTO calls (call_id, source_uri, file_name, source_size_bytes, status, silence_share)
    VALUES (gen_random_uuid(), 'file:///' || gen_random_uuid(), 'a', 1, 'done', 1.7)
"""


def test_a_database_with_wrong_rows_comes_up_to_date_and_says_what_is_wrong(empty_url: str, tmp_path: Path) -> None:
    before = tmp_path / "schema"
    before.mkdir()
    for path in sorted(SCHEMA.glob("*.sql")):
        if path.name < "012":
            (before / path.name).write_bytes(path.read_bytes())
    migrate(empty_url, before)
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(_WRONG_CALL.encode())
    migrate(empty_url)
    settings = DatabaseSettings(url=empty_url)
    with Database(settings, empty_url, None) as database:
        (said,) = broken_rules(database)
        assert said.startswith("table calls: rows of an earlier version break calls_shares")
        with pytest.raises(errors.CheckViolation), database.connection() as connection:
            connection.execute(_WRONG_CALL.encode())
    assert said in look(settings)[1]


def test_in_a_database_without_wrong_rows_every_rule_is_validated(database: Database) -> None:
    assert broken_rules(database) == []
