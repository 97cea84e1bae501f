"""Calls and moods by day, week or month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from db.queries.chosen import CallFilter
from db.queries.dashboard import InPeriod, Period
from pages.dashboard.narrowing import days_within, narrowed_to
from pages.site import Site
from pages.svg.charts import Column
from pages.words import MOODS
from pipeline.plurals import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A day, week or month in a chart and in the table beneath it."""

    says: str
    address: str
    calls: int
    moods: Mapping[str, int]
    mood_addresses: Mapping[str, str | None]


def stretches_of(periods: Sequence[InPeriod], period: Period, wanted: CallFilter, site: Site) -> list[Stretch]:
    """Every day, week or month from the first to the last, those without a call among them."""
    known = {bar.first_day: bar for bar in periods}
    stretches = []
    first = periods[0].first_day if periods else None
    while first is not None and first <= periods[-1].first_day:
        following = _following(first, period)
        found = known.get(first)
        days = days_within(first, following, wanted)
        within = replace(wanted, first_day=days["first_day"], last_day=days["last_day"])
        stretches.append(
            Stretch(
                says=_span(first, following - timedelta(days=1), period),
                address=site.calls(within),
                calls=found.calls if found else 0,
                moods={mood: getattr(found, mood) if found else 0 for mood in MOODS},
                mood_addresses={mood: narrowed_to(within, site, mood=mood) for mood in MOODS},
            )
        )
        first = following
    return stretches


def volume_column(stretch: Stretch) -> Column:
    return Column(
        parts=(("calls", stretch.calls),),
        address=stretch.address,
        says=f"{stretch.says}: {counted(stretch.calls, 'call')}",
    )


def mood_column(stretch: Stretch) -> Column:
    whole = sum(stretch.moods.values())
    said = ", ".join(f"{count:,} {mood}" for mood, count in stretch.moods.items())
    parts = tuple((mood, count / whole) for mood, count in stretch.moods.items())
    return Column(parts=parts, address=stretch.address, says=f"{stretch.says}: {said}")


def _following(first: date, period: Period) -> date:
    if period == "month":
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first + (timedelta(days=7) if period == "week" else timedelta(days=1))


def _span(first: date, last: date, period: Period) -> str:
    if period == "month":
        return f"{first:%B %Y}"
    if period == "day":
        return f"{first:%a} {first.day} {first:%b %Y}"
    return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"
