"""Figures of many calls against the same counted one by one: after storing, redoing and erasing."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.connection import Database
from db.erasure import erasable, erase_rows
from db.ledger.store import PostgresStore
from db.queries import listing
from db.queries.chosen import CALLS, CallFilter
from db.queries.dashboard import Dashboard, dashboard_of
from db.queries.listing import choices_among, listed_calls, total_of, total_shown
from tests.db.samples import chunk, found, outcome, prepared, transcript

ZONE = "Europe/Berlin"
MOODS = ("negative", "neutral", "positive", None)
ROWS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A row as the tests count it."""

    call_id: uuid.UUID
    started_at: datetime | None
    status: str
    agent_id: str | None
    customer: str | None
    topic: str | None
    mood: str | None
    duration_s: float
    silence_share: float | None
    flags: list[str]
    attention: float | None
    other_language: int | None

    @property
    def day(self) -> date | None:
        return self.started_at and self.started_at.astimezone(ZoneInfo(ZONE)).date()


def made(chance: random.Random, number: int) -> Made:
    judged = chance.random() < 0.8
    return Made(
        call_id=uuid.UUID(int=chance.getrandbits(128)),
        started_at=None
        if number % 11 == 0
        else datetime(2026, 3, 1, 21, tzinfo=UTC) + timedelta(hours=chance.randrange(24 * 40)),
        status=chance.choice(("done", "done", "done", "failed", "skipped")),
        agent_id=chance.choice(("A", "B", None)),
        customer=chance.choice(("C1", "C2", "C3", None)),
        topic=chance.choice(("Billing", "Cards", None)),
        mood=chance.choice(MOODS),
        duration_s=float(chance.randrange(10, 400)),
        silence_share=chance.choice((None, *(tenth / 10 for tenth in range(11)), 0.29, 0.57)),
        flags=chance.choice(([], [], ["mono"], ["mono", "silent"])),
        attention=chance.choice((0.0, 3.0)) if judged else None,
        other_language=chance.choice((None, 0, 2)) if judged else None,
    )


STORE = """
INSERT INTO calls (call_id, source_uri, file_name, source_size_bytes, started_at, status, agent_id, metadata, topic,
    client_text_sentiment, client_text_probabilities, duration_s, silence_s, silence_share, flags, attention_weight,
    attention_critical, rules_not_in_language, error_type)
VALUES (%(id)s::uuid, 'file:///' || %(id)s::text, %(id)s::text || '.wav', 1, %(started_at)s, %(status)s, %(agent_id)s,
    jsonb_build_object('customer', %(customer)s::text), %(topic)s, %(mood)s,
    CASE %(mood)s WHEN 'negative' THEN sentiment_probabilities(0.8, 0.2, 0)
        WHEN 'neutral' THEN sentiment_probabilities(0.1, 0.9, 0) END,
    %(duration_s)s, %(silence_share)s::float8 * %(duration_s)s::float8, %(silence_share)s, %(flags)s,
    %(attention)s, %(attention)s::float8 > 1, %(other)s, CASE %(status)s WHEN 'failed' THEN 'AudioUndecodable' END)
ON CONFLICT (call_id) DO UPDATE SET started_at = EXCLUDED.started_at, status = EXCLUDED.status,
    agent_id = EXCLUDED.agent_id, metadata = EXCLUDED.metadata, topic = EXCLUDED.topic,
    client_text_sentiment = EXCLUDED.client_text_sentiment,
    client_text_probabilities = EXCLUDED.client_text_probabilities, duration_s = EXCLUDED.duration_s,
    silence_s = EXCLUDED.silence_s, silence_share = EXCLUDED.silence_share, flags = EXCLUDED.flags,
    attention_weight = EXCLUDED.attention_weight, attention_critical = EXCLUDED.attention_critical,
    rules_not_in_language = EXCLUDED.rules_not_in_language, error_type = EXCLUDED.error_type
"""


def store(database: Database, rows: list[Made]) -> None:
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.executemany(
            STORE.encode(),
            [
                {
                    "id": str(row.call_id), "started_at": row.started_at, "status": row.status,
                    "agent_id": row.agent_id, "customer": row.customer, "topic": row.topic, "mood": row.mood,
                    "duration_s": row.duration_s, "silence_share": row.silence_share, "flags": row.flags,
                    "attention": row.attention, "other": row.other_language,
                }
                for row in rows
            ],
        )  # fmt: skip


@pytest.fixture(params=(1, 2, 3))
def kept(request: pytest.FixtureRequest, database: Database) -> list[Made]:
    """Stored, a third of them once more with other values, and a tenth erased."""
    chance = random.Random(request.param)
    rows = [made(chance, number) for number in range(ROWS)]
    store(database, rows)
    redone = [
        replace(made(chance, number), call_id=row.call_id) if number % 3 == 0 else row
        for number, row in enumerate(rows)
    ]
    store(database, [row for number, row in enumerate(redone) if number % 3 == 0])
    erase_rows(database, erasable(database, call_ids=[row.call_id for row in redone[::10]]), lambda content: content)
    return [row for number, row in enumerate(redone) if number % 10]


def calls_of(rows: list[Made], agent: str | None = None) -> list[Made]:
    return [row for row in rows if row.status in CALLS and agent in (None, row.agent_id)]


@pytest.mark.parametrize("agent", [None, "A"])
def test_the_dashboard_is_what_is_counted_one_by_one(kept: list[Made], database: Database, agent: str | None) -> None:
    rows = calls_of(kept, agent)
    found = dashboard_of(database, CallFilter(agent=agent), ZONE)
    totals = found.totals
    assert totals.calls == len(rows)
    assert totals.undated == sum(row.started_at is None for row in rows)
    assert totals.duration_s == sum(row.duration_s for row in rows)
    silent = [row for row in rows if row.silence_share is not None]
    assert totals.silence_share == pytest.approx(
        sum((row.silence_share or 0) * row.duration_s for row in silent) / sum(row.duration_s for row in silent)
    )
    assert totals.attention == sum((row.attention or 0) > 0 for row in rows)
    assert totals.judged == sum(row.attention is not None and not row.other_language for row in rows)
    assert totals.partly_judged == sum(row.attention is not None and bool(row.other_language) for row in rows)
    days = [row.day for row in rows if row.day]
    assert (totals.first_day, totals.last_day) == (min(days), max(days))
    assert {one.first_day: one.calls for one in found.periods} == Counter(days)
    assert [one.first_day for one in found.periods] == sorted(set(days))
    assert {mood: sum(getattr(one, mood) for one in found.periods) for mood in MOODS if mood} == {
        mood: sum(row.mood == mood and row.day is not None for row in rows) for mood in MOODS if mood
    }
    assert {(one.topic, one.week): (one.calls, one.negative, one.with_mood) for one in found.topics} == {
        key: (
            len(group),
            sum(row.mood == "negative" for row in group),
            sum(row.mood is not None for row in group),
        )
        for key, group in _grouped(rows).items()
    }
    assert {one.agent_id: one.calls for one in found.agents} == Counter(row.agent_id for row in rows)


def _grouped(rows: list[Made]) -> dict[tuple[str | None, date | None], list[Made]]:
    found: dict[tuple[str | None, date | None], list[Made]] = {}
    for row in rows:
        monday = row.day and row.day - timedelta(days=row.day.weekday())
        found.setdefault((row.topic, monday), []).append(row)
    return found


def test_a_tenth_leads_to_the_calls_it_counts(kept: list[Made], database: Database) -> None:
    """29 % and 57 % are no exact numbers of a computer."""
    silent = {
        one.tenth: one.calls for one in dashboard_of(database, CallFilter(), ZONE).tenths if one.kind == "silence"
    }
    assert silent == Counter(
        min(round(row.silence_share * 100) // 10, 9) for row in calls_of(kept) if row.silence_share is not None
    )
    for tenth, calls in silent.items():
        wanted = CallFilter(silence=(tenth * 10, tenth * 10 + 10))
        assert total_of(database, wanted, ZONE).calls == calls


def test_what_a_filter_offers(kept: list[Made], database: Database) -> None:
    offered = {(one.kind, one.value): one.calls for one in choices_among(database, CallFilter(), ZONE)}
    rows = calls_of(kept)
    expected: Counter[tuple[str, str]] = Counter()
    for row in rows:
        told = (("agent", row.agent_id), ("topic", row.topic), *(("flag", flag) for flag in row.flags))
        expected.update((kind, value) for kind, value in told if value is not None)
    assert offered == expected


@pytest.mark.parametrize("sort", ["newest", "oldest", "attention", "unhappiest", "longest", "silence"])
def test_a_list_has_every_call_once_and_goes_on_where_it_stopped(
    kept: list[Made], database: Database, sort: Any
) -> None:
    wanted = (
        CallFilter(mood="negative")
        if sort == "newest"
        else CallFilter(flag="mono")
        if sort == "silence"
        else CallFilter()
    )
    whole = listed_calls(database, wanted, ZONE, sort=sort, limit=1000)
    expected = [
        row for row in calls_of(kept)
        if wanted.mood in (None, row.mood) and (wanted.flag is None or wanted.flag in row.flags)
    ]  # fmt: skip
    assert {one.call_id for one in whole} == {str(row.call_id) for row in expected}
    places = [(one.first_key, one.second_key, uuid.UUID(one.call_id)) for one in whole]
    assert places == sorted(places)
    first = listed_calls(database, wanted, ZONE, sort=sort, limit=7)
    following = listed_calls(database, wanted, ZONE, sort=sort, limit=7, after=first[-1].place)
    assert [one.call_id for one in (*first, *following)] == [one.call_id for one in whole[:14]]


def test_who_called_before(kept: list[Made], database: Database) -> None:
    by_customer: dict[str, list[Made]] = {}
    dated = [row for row in calls_of(kept) if row.customer and row.started_at]
    for row in sorted(dated, key=lambda row: (row.started_at, row.call_id)):
        by_customer.setdefault(str(row.customer), []).append(row)
    expected = {
        (str(row.call_id), str(group[place].call_id), group[place].topic, place + 1)
        for group in by_customer.values()
        for place, row in enumerate(group[1:])
    }
    with database.connection() as connection:
        found = connection.execute(
            "SELECT call_id::text, previous_call_id::text, previous_topic, calls_before FROM repeat_calls"
        ).fetchall()
    assert set(found) == expected
    assert len(found) == len(expected)


def empty(database: Database) -> Dashboard:
    return dashboard_of(database, CallFilter(), ZONE)


def test_figures_of_no_call(database: Database) -> None:
    found = empty(database)
    assert (found.totals.calls, found.totals.silence_share, found.totals.first_day) == (0, None, None)
    assert (found.periods, found.topics, found.agents, found.tenths) == ((), (), (), ())


def test_a_frequent_word_is_found_from_the_first_calls_and_a_rare_one_from_all(
    store: PostgresStore, database: Database, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call says `card`, the oldest alone `refund`; of the first three calls is asked before all are."""
    monkeypatch.setattr(listing, "LOOKED_AT", 3)
    for number in range(8):
        call = found(f"{number}.wav")
        call = replace(call, metadata=replace(call.metadata, started_at=datetime(2026, 3, 1 + number, tzinfo=UTC)))
        text = "my card" if number else "a card and a refund"
        words = transcript(f"t{number}", (chunk(0, 0, 0.0, text),))
        call_id = store.claim_call(call, str(number), None)
        store.save_call(outcome(call_id, run_id, call, audio=prepared(str(number)), words=words))

    def listed(text: str, **place: Any) -> list[str]:
        return [one.file_name for one in listed_calls(database, CallFilter(text=text), ZONE, limit=2, **place)]

    assert listed("card") == ["7.wav", "6.wav"]
    assert listed("card", offset=6) == ["1.wav", "0.wav"]
    assert listed("refunded") == ["0.wav"]
    assert listed("3.WAV") == ["3.wav"]
    assert listed(".w") == ["7.wav", "6.wav"]
    (one,) = listed_calls(database, CallFilter(text="refund"), ZONE)
    assert listed(one.call_id) == ["0.wav"]
    assert one.said_quote is not None

    def total(text: str) -> tuple[int, bool]:
        counted = total_shown(database, CallFilter(text=text), ZONE, page=1, limit=2)
        return counted.calls, counted.more

    assert total("card") == (3, True)
    assert total("refund") == (1, False)
    assert total("nowhere") == (0, False)
