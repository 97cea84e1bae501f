"""The page of the quality watch: word error rates over the nights, and the calls that wait to be corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from db.queries.watch import CallToCorrect, NightFigure, WatchCounts
from pages.rendering import page
from pages.site import Site
from pages.svg.charts import RatePoint, rates
from pipeline.intervals import Share
from pipeline.plurals import counted

_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRate:
    """The word error rate of an engine, a model, an agent, or all calls."""

    kind: str
    """all, engine, model or agent."""
    name: str
    """Empty for all, and for calls without a known agent."""
    calls: int
    words: int
    rate: Share | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the watch knows."""

    nights: Sequence[NightFigure]
    """Of all calls, oldest first."""
    groups: Sequence[GroupRate]
    """Over the nights since `since`."""
    since: date
    waiting: Sequence[CallToCorrect]
    """The first of those to correct."""
    counts: WatchCounts
    calls_per_night: int
    alarm_wer: float | None
    alarm: str | None


def quality_page(quality: Quality, site: Site) -> str:
    """HTML of the page."""
    return page(
        "quality",
        quality=quality,
        chart=nights_chart(quality.nights, quality.alarm_wer),
        all_calls=next((group for group in quality.groups if group.kind == _ALL), None),
        groups=[group for group in quality.groups if group.kind != _ALL],
        site=site,
    )


def nights_chart(nights: Sequence[NightFigure], alarm_wer: float | None) -> Markup | None:
    """The nights with their intervals, and the alarm as a line across; None without a night."""
    points = [
        RatePoint(day=night.night, value=night.wer, low=night.low, high=night.high, says=_says(night))
        for night in nights
    ]
    return rates(points, alarm_wer)


def _says(night: NightFigure) -> str:
    bounds = "" if night.low is None or night.high is None else f", {100 * night.low:.1f} to {100 * night.high:.1f} %"
    calls = counted(night.calls, "call")
    return f"{night.night.day} {night.night:%b %Y}: {100 * night.wer:.1f} % of words wrong{bounds}, {calls}"
