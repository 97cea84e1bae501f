"""What can be read of live calls until their ordinary rows are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from db.ask import Patient, ask
from db.queries.chosen import EVERYTHING, RowScope
from db.records import record_row
from pipeline.records import Role

MOST = 200
"""Live calls in one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLiveCall:
    """A row of `live_calls`."""

    session: str
    started_at: datetime
    file_name: str
    roles: tuple[Role, ...]
    direction: str | None = None
    agent_id: str | None = None
    customer_segment: str | None = None
    queue: str | None = None
    language: str | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    duration_s: float | None = None
    topic: str | None = None
    subtopic: str | None = None
    summary: str | None = None
    moods: Mapping[str, str] = field(default_factory=dict)
    missing_reasons: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None
    call_id: str | None = None
    """Of the call with the ordinary rows, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLiveTurn:
    """A row of `live_turns`."""

    track: int
    ordinal: int
    role: Role
    start_s: float
    end_s: float
    text: str
    language: str | None
    confidence: float | None
    flags: tuple[str, ...]
    mood: str | None
    mood_reason: str | None


def live_calls(database: Patient, within: RowScope = EVERYTHING) -> list[ShownLiveCall]:
    """Those without ordinary rows, the latest first."""
    return _calls(database, None, within)


def live_call(database: Patient, session: str, within: RowScope = EVERYTHING) -> ShownLiveCall | None:
    """One of them, also when its ordinary rows are there."""
    return next(iter(_calls(database, session, within)), None)


def live_turns(database: Patient, session: str) -> list[ShownLiveTurn]:
    """In the order in which they were said."""
    return ask(database, "live/turns", record_row(ShownLiveTurn), session=session)


def _calls(database: Patient, session: str | None, within: RowScope) -> list[ShownLiveCall]:
    return ask(
        database,
        "live/calls",
        record_row(ShownLiveCall),
        session=session,
        segments=None if within.segments is None else list(within.segments),
        queues=None if within.queues is None else list(within.queues),
        most=MOST,
    )
