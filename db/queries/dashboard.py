"""What the dashboard shows of many calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from db.queries.chosen import CALLS, CallFilter, ask_of_chosen
from db.records import record_row
from pipeline.records import CallStatus

if TYPE_CHECKING:
    from db.connection import Database

Period = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All chosen calls together. Shares are of the time of the calls in which they are measured, 0..1."""

    calls: int
    failed: int
    undated: int
    """Calls whose start is not known."""
    duration_s: float
    measured: int
    """Calls whose length is known."""
    negative: int
    neutral: int
    positive: int
    silence_share: float | None
    client_talk_share: float | None
    agent_talk_share: float | None
    demonstration: int
    """Calls with the words of a demonstration recogniser."""
    attention: int
    """Calls for which a rule holds."""
    judged: int
    """Calls judged by the rules."""
    agents: int
    first_day: date | None
    last_day: date | None

    @property
    def with_mood(self) -> int:
        return self.negative + self.neutral + self.positive


@dataclass(frozen=True, slots=True, kw_only=True)
class InPeriod:
    """Calls that began in one day, week or month."""

    first_day: date
    calls: int
    negative: int
    neutral: int
    positive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicInWeek:
    """Calls about a topic in one week."""

    topic: str | None
    week: date | None
    """Its Monday; None for calls whose start is not known."""
    calls: int
    negative: int
    with_mood: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfAgent:
    """Calls of one agent."""

    agent_id: str | None
    calls: int
    mean_duration_s: float | None
    negative: int
    with_mood: int
    agent_talk_share: float | None
    silence_share: float | None
    interruptions: float | None
    """By the agent, per call in which they are counted."""
    with_interruptions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InTenth:
    """Calls whose share of silence, or of the customer's talk, lies in one tenth."""

    kind: Literal["silence", "talk"]
    tenth: int
    """0 for a share of 0 to 10 %, 9 for 90 to 100 %."""
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Recordings without a result, for one kind of reason."""

    status: CallStatus
    error_type: str
    calls: int
    example: str | None
    transient: bool
    """Whether a later run tries one of them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """How many calls a rule holds for."""

    rule: str
    title: str
    critical: bool
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Everything on the page."""

    totals: Totals
    period: Period
    periods: tuple[InPeriod, ...]
    topics: tuple[TopicInWeek, ...]
    agents: tuple[OfAgent, ...]
    tenths: tuple[InTenth, ...]
    failures: tuple[Failure, ...]
    rules: tuple[RuleCount, ...]


LONGEST_BY_DAY, LONGEST_BY_WEEK = 62, 3 * 366
"""Days up to which bars are of a day, and of a week."""


def dashboard_of(database: Database, wanted: CallFilter, timezone: str) -> Dashboard:
    """The answers about the calls that `wanted` chooses; failures include skipped files, unless one status is asked."""
    (totals,) = ask_of_chosen(database, "dashboard/totals", record_row(Totals), wanted, timezone)
    period = period_of(totals)
    also_skipped = (*CALLS, CallStatus.SKIPPED) if wanted.status is None else (wanted.status,)
    return Dashboard(
        totals=totals,
        period=period,
        periods=tuple(
            ask_of_chosen(database, "dashboard/periods", record_row(InPeriod), wanted, timezone, period=period)
        ),
        topics=tuple(ask_of_chosen(database, "dashboard/topics", record_row(TopicInWeek), wanted, timezone)),
        agents=tuple(ask_of_chosen(database, "dashboard/agents", record_row(OfAgent), wanted, timezone)),
        tenths=tuple(ask_of_chosen(database, "dashboard/shares", record_row(InTenth), wanted, timezone)),
        rules=tuple(ask_of_chosen(database, "dashboard/rules", record_row(RuleCount), wanted, timezone)),
        failures=tuple(
            ask_of_chosen(
                database, "dashboard/failures", record_row(Failure), wanted, timezone, statuses=list(also_skipped)
            )
        ),
    )


def period_of(totals: Totals) -> Period:
    """How wide a bar is, so that they can be told apart."""
    if totals.first_day is None or totals.last_day is None:
        return "day"
    days = (totals.last_day - totals.first_day).days + 1
    return "day" if days <= LONGEST_BY_DAY else "week" if days <= LONGEST_BY_WEEK else "month"
