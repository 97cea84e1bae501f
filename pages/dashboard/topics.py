"""Topics over the weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from markupsafe import Markup

from db.queries.chosen import NONE, CallFilter
from db.queries.dashboard import TopicInWeek
from pages.dashboard.narrowing import days_within, narrowed_to
from pages.dashboard.shares import Share, share_of
from pages.site import Site
from pages.svg.charts import interval_bar, spark
from pipeline.intervals import score_interval

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRow:
    """A topic over the weeks."""

    says: str
    address: str
    calls: int
    by_week: Markup
    now: int | None
    """Calls in the last whole week, and in the one before; None where there are no two."""
    now_address: str | None
    before: int | None
    before_address: str | None
    beyond_chance: bool
    """Whether a topic that comes equally often would hardly show this change."""
    negative: Share
    negative_address: str | None
    bar: Markup


def weeks_of(topics: Sequence[TopicInWeek], wanted: CallFilter, today: date) -> list[tuple[date, bool]]:
    """Mondays from the first week with a call to the last, and whether the week is whole: over, and all of it chosen.

    The first week with calls is not whole, unless it begins with the filter: recording may have begun within it.
    """
    with_calls = sorted({row.week for row in topics if row.week is not None})
    weeks = []
    week = with_calls[0] if with_calls else None
    while week is not None and week <= with_calls[-1]:
        sunday = week + timedelta(days=6)
        begun = (wanted.first_day is not None and wanted.first_day <= week) or week > with_calls[0]
        whole = begun and sunday < today and (wanted.last_day is None or sunday <= wanted.last_day)
        weeks.append((week, whole))
        week += WEEK
    return weeks


def topic_rows(
    topics: Sequence[TopicInWeek], weeks: Sequence[tuple[date, bool]], overall: Share, wanted: CallFilter, site: Site
) -> list[TopicRow]:
    """Topics, most calls first; calls without a topic last."""
    by_topic: dict[str | None, list[TopicInWeek]] = {}
    for row in topics:
        by_topic.setdefault(row.topic, []).append(row)
    whole = whole_weeks(weeks)
    before, now = whole[-2:] if len(whole) >= 2 else (None, None)
    rows = []
    for topic, found in by_topic.items():
        in_week = {row.week: row.calls for row in found}
        value = NONE if topic is None else topic
        narrowed = replace(wanted, topic=_narrower(wanted.topic, value))
        negative = share_of(sum(row.negative for row in found), sum(row.with_mood for row in found))
        counts = (in_week.get(before, 0), in_week.get(now, 0)) if now else (None, None)
        rows.append(
            TopicRow(
                says=topic or "No topic",
                address=site.calls(narrowed),
                calls=sum(row.calls for row in found),
                by_week=spark([in_week.get(week, 0) for week, _ in weeks]),
                now=counts[1],
                now_address=site.calls(narrowed, **days_within(now, now + WEEK, wanted)) if now else None,
                before=counts[0],
                before_address=site.calls(narrowed, **days_within(before, before + WEEK, wanted)) if before else None,
                beyond_chance=beyond_chance(*counts),
                negative=negative,
                negative_address=narrowed_to(narrowed, site, mood="negative"),
                bar=interval_bar(negative.value, negative.low, negative.high, overall.value),
            )
        )
    return sorted(rows, key=lambda row: (row.says == "No topic", -row.calls, row.says))


def beyond_chance(before: int | None, now: int | None) -> bool:
    """Whether half of the calls of both weeks lies outside the interval of one week's share."""
    if before is None or now is None or not before + now:
        return False
    low, high = score_interval(now, before + now)
    return not low <= 0.5 <= high


def _narrower(asked: str | None, topic: str) -> str:
    """A subtopic that is asked for stays, within its own topic."""
    return asked if asked is not None and asked.startswith(f"{topic} > ") else topic


def whole_weeks(weeks: Sequence[tuple[date, bool]]) -> list[date]:
    return [week for week, whole in weeks if whole]
