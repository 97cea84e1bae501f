"""Which calls need attention, and who has been told."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import scalar_row, tuple_row

from db.ask import ask
from db.records import record_row
from pipeline.records import Role

if TYPE_CHECKING:
    from psycopg import Connection

    from db.connection import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchToTell:
    """A rule that holds for a call."""

    call_id: str
    file_name: str
    started_at: datetime | None
    agent_id: str | None
    topic: str | None
    rule: str
    title: str
    reason: str
    quote: str | None
    role: Role | None
    start_s: float | None
    critical: bool


def matches_to_tell(database: Database, rules: Sequence[str], within: timedelta) -> list[MatchToTell]:
    """Matches with these rules of calls not told of yet, the call with most weight first."""
    return ask(
        database,
        "attention/to_tell",
        record_row(MatchToTell),
        rules=list(rules),
        within_s=within.total_seconds(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedItem:
    """An item of a scorecard for one call."""

    call_id: str
    file_name: str
    started_at: datetime | None
    duration_s: float | None
    place: int
    item: str
    question: str
    answer: str


def scorecards(database: Database) -> list[str]:
    """Names of the scorecards that calls have results of."""
    return ask(database, "attention/scorecards", scalar_row)


def drawn_answers(database: Database, scorecard: str, calls: int, seed: int) -> list[AskedItem]:
    """Items of at most `calls` calls drawn by chance, call by call in the order of the scorecard."""
    return ask(database, "attention/drawn_answers", record_row(AskedItem), scorecard=scorecard, calls=calls, seed=seed)


def answers_of(database: Database, scorecard: str, calls: Sequence[str]) -> dict[tuple[str, str], str]:
    """Stored answers by call and item."""
    ids = [uuid.UUID(call) for call in calls]
    rows = ask(database, "attention/answers_of", tuple_row, scorecard=scorecard, calls=ids)
    return {(call, item): answer for call, item, answer in rows}


def mark_told(
    database: Database, rules_of: Mapping[str, Sequence[str]], run_id: str, send: Callable[[], Sequence[str]]
) -> None:
    """Tell of calls and remember it: both or, where the database goes away meanwhile, perhaps the first alone.

    Args:
        rules_of: call to the rules told.
        send: returns the ways by which it went; where there is none, nothing is remembered.
    """
    with database.connection() as connection, connection.transaction():
        _lock(connection)
        sent_by = list(send())
        if sent_by:
            with connection.cursor() as cursor:
                cursor.executemany(
                    """INSERT INTO attention_notices (call_id, rules, sent_by, run_id) VALUES (%s, %s, %s, %s)
                       ON CONFLICT (call_id) DO NOTHING""",
                    [(uuid.UUID(call), list(rules), sent_by, uuid.UUID(run_id)) for call, rules in rules_of.items()],
                )


def _lock(connection: Connection[Any]) -> None:
    """Fails now, before anything is sent, where the table cannot be written."""
    connection.execute("LOCK TABLE attention_notices IN SHARE ROW EXCLUSIVE MODE")
