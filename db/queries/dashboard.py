"""What the dashboard shows of many calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from db.queries.chosen import CALLS, CallFilter, ask_of_chosen
from db.records import record_row
from pipeline.records import CallStatus

if TYPE_CHECKING:
    from db.connection import Database

Period = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moods:
    """How many calls, and of how many the customer's mood is known."""

    calls: int
    negative: int
    neutral: int
    positive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts(_Moods):
    """What is counted of calls, whoever had them."""

    failed: int
    undated: int
    """Calls whose start is not known."""
    duration_s: float
    measured: int
    """Calls whose length is known."""
    demonstration: int
    """Calls with the words of a demonstration recogniser."""
    attention: int
    """Calls for which a rule holds."""
    judged: int
    """Calls judged by the rules, all of which are for their language."""
    partly_judged: int
    """Calls in a language that some of the rules are not for: those were not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(_Counts):
    """All chosen calls together. Shares are of the time of the calls in which they are measured, 0..1."""

    silence_share: float | None
    client_talk_share: float | None
    agent_talk_share: float | None
    agents: int
    first_day: date | None
    last_day: date | None

    @property
    def with_mood(self) -> int:
        return self.negative + self.neutral + self.positive


@dataclass(frozen=True, slots=True, kw_only=True)
class InPeriod(_Moods):
    """Calls that began in one day, week or month."""

    first_day: date


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
class ScorecardCount:
    """What a scorecard says of the calls to which one of its items applies."""

    scorecard: str
    title: str
    calls: int
    passed: int
    failed_critical: int
    """Calls with a no to a critical item."""
    mean_score: float
    """0..1."""


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
    scorecards: tuple[ScorecardCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfAgent(_Counts):
    """What is counted and summed of an agent's calls; each time with the length of the calls in which it is known."""

    agent_id: str | None
    silence_s: float | None
    silence_of_s: float | None
    client_talk_s: float | None
    client_talk_of_s: float | None
    agent_talk_s: float | None
    agent_talk_of_s: float | None
    interruptions: int
    with_interruptions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfDay(_Moods):
    """Calls of one day about one topic."""

    day: date | None
    topic: str | None


LONGEST_BY_DAY, LONGEST_BY_WEEK = 62, 3 * 366
"""Days up to which bars are of a day, and of a week."""


def dashboard_of(database: Database, wanted: CallFilter, timezone: str) -> Dashboard:
    """The answers about the calls that `wanted` chooses; failures include skipped files, unless one status is asked.

    A million calls are read three times and no more: by agent, by day and topic, and by their shares.
    """
    agents = ask_of_chosen(database, "dashboard/agents", record_row(_OfAgent), wanted, timezone)
    days = ask_of_chosen(database, "dashboard/days", record_row(_OfDay), wanted, timezone)
    totals = _totals(agents, days)
    period = period_of(totals)
    also_skipped = (*CALLS, CallStatus.SKIPPED) if wanted.status is None else (wanted.status,)
    return Dashboard(
        totals=totals,
        period=period,
        periods=_periods(days, period),
        topics=_topics_by_week(days),
        agents=tuple(map(_agent, agents)),
        tenths=tuple(ask_of_chosen(database, "dashboard/shares", record_row(InTenth), wanted, timezone)),
        rules=tuple(ask_of_chosen(database, "dashboard/rules", record_row(RuleCount), wanted, timezone)),
        scorecards=tuple(ask_of_chosen(database, "dashboard/scorecards", record_row(ScorecardCount), wanted, timezone)),
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


def _totals(agents: Sequence[_OfAgent], days: Sequence[_OfDay]) -> Totals:
    def share(name: str) -> float | None:
        known = [agent for agent in agents if getattr(agent, f"{name}_s") is not None]
        return _share(
            math.fsum(getattr(agent, f"{name}_s") for agent in known),
            math.fsum(getattr(agent, f"{name}_of_s") or 0.0 for agent in known),
        )

    dated = [row.day for row in days if row.day is not None]
    return Totals(
        **_summed(agents, _Counts),
        silence_share=share("silence"),
        client_talk_share=share("client_talk"),
        agent_talk_share=share("agent_talk"),
        agents=sum(agent.agent_id is not None for agent in agents),
        first_day=min(dated, default=None),
        last_day=max(dated, default=None),
    )


def _summed(rows: Sequence[_Moods], kind: type[_Moods]) -> dict[str, Any]:
    """Every field of `kind`, over all rows."""
    return {field.name: sum(getattr(row, field.name) for row in rows) for field in fields(kind)}


def _agent(agent: _OfAgent) -> OfAgent:
    return OfAgent(
        agent_id=agent.agent_id,
        calls=agent.calls,
        mean_duration_s=_share(agent.duration_s, agent.measured),
        negative=agent.negative,
        with_mood=agent.negative + agent.neutral + agent.positive,
        agent_talk_share=_share(agent.agent_talk_s, agent.agent_talk_of_s),
        silence_share=_share(agent.silence_s, agent.silence_of_s),
        interruptions=_share(agent.interruptions, agent.with_interruptions),
        with_interruptions=agent.with_interruptions,
    )


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


def _periods(days: Sequence[_OfDay], period: Period) -> tuple[InPeriod, ...]:
    """In order of time, those with a call."""
    found: dict[date, list[_OfDay]] = {}
    for row in days:
        if row.day is not None:
            found.setdefault(_first_day(row.day, period), []).append(row)
    return tuple(InPeriod(first_day=first, **_summed(within, _Moods)) for first, within in sorted(found.items()))


def _topics_by_week(days: Sequence[_OfDay]) -> tuple[TopicInWeek, ...]:
    """By topic and week; what has none of them comes last."""
    found: dict[tuple[str | None, date | None], list[_OfDay]] = {}
    for row in days:
        found.setdefault((row.topic, row.day and _first_day(row.day, "week")), []).append(row)
    return tuple(
        TopicInWeek(
            topic=topic,
            week=week,
            calls=sum(row.calls for row in within),
            negative=sum(row.negative for row in within),
            with_mood=sum(row.negative + row.neutral + row.positive for row in within),
        )
        for (topic, week), within in sorted(
            found.items(),
            key=lambda item: (item[0][0] is None, item[0][0] or "", item[0][1] is None, item[0][1] or date.min),
        )
    )


def _first_day(day: date, period: Period) -> date:
    if period == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if period == "week" else day
