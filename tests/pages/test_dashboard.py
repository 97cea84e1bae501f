"""Figures of many calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.queries.chosen import CallFilter
from db.queries.dashboard import (
    Dashboard,
    InPeriod,
    OfAgent,
    Period,
    ScorecardCount,
    TopicInWeek,
    Totals,
    period_of,
)
from db.queries.listing import Choice
from pages.dashboard.agents import agent_rows
from pages.dashboard.page import dashboard_page, presets_of
from pages.dashboard.periods import mood_column, stretches_of, volume_column
from pages.dashboard.scorecards import scorecard_rows
from pages.dashboard.shares import share_of
from pages.dashboard.tiles import judged, tiles_of
from pages.dashboard.topics import beyond_chance, topic_rows, weeks_of
from pages.numbers import UNKNOWN
from pages.site import Site
from tests.pages.samples import dashboard
from tests.pinned import assert_pinned

MONDAY = date(2026, 9, 14)
WEEK = timedelta(days=7)


def in_period(first_day: date, calls: int = 1) -> InPeriod:
    return InPeriod(first_day=first_day, calls=calls, negative=0, neutral=calls, positive=0)


def about(topic: str | None, week: date | None, calls: int, negative: int = 0) -> TopicInWeek:
    return TopicInWeek(topic=topic, week=week, calls=calls, negative=negative, with_mood=calls)


def of_agent(agent_id: str | None, calls: int, negative: int = 0) -> OfAgent:
    return OfAgent(
        agent_id=agent_id, calls=calls, mean_duration_s=60.0, negative=negative, with_mood=calls, agent_talk_share=None,
        silence_share=None, interruptions=None, with_interruptions=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("period", "first", "last", "columns"),
    [
        ("day", date(2026, 2, 26), date(2026, 3, 2), 5),
        ("week", MONDAY, MONDAY + 3 * WEEK, 4),
        ("month", date(2026, 11, 1), date(2027, 2, 1), 4),
    ],
)
def test_a_stretch_without_calls_has_its_column(period: Period, first: date, last: date, columns: int) -> None:
    found = stretches_of([in_period(first), in_period(last, 2)], period, CallFilter(), Site())
    assert [one.calls for one in found] == [1, *[0] * (columns - 2), 2]


@pytest.mark.parametrize("period", get_args(Period))
def test_stretches_are_told_by_their_days(period: Period) -> None:
    first, last = date(2026, 11, 30), date(2026, 12, 14)
    given = [in_period(first if period != "month" else date(2026, 11, 1)),
             InPeriod(first_day=last if period != "month" else date(2027, 1, 1), calls=9, negative=3, neutral=1,
                      positive=2)]  # fmt: skip
    found = stretches_of(given, period, CallFilter(mood="negative"), Site())
    columns = [column for one in (found[0], found[-1]) for column in (volume_column(one), mood_column(one))]
    assert_pinned(f"stretches_{period}.txt", "\n".join(map(repr, [*found, *columns])))


@pytest.mark.parametrize(
    ("order", "first"),
    [("calls", "many"), ("negative", "cross"), ("length", "long"), ("talk", "loud"), ("silence", "mute")],
)
def test_agents_are_ordered_as_asked(order: str, first: str) -> None:
    agents = [
        of_agent("cross", 50, 40), of_agent("many", 100, 1), replace(of_agent("long", 9), mean_duration_s=99.0),
        replace(of_agent("loud", 8), agent_talk_share=0.1), replace(of_agent("mute", 7), silence_share=0.1),
        of_agent(None, 500, 400),
    ]  # fmt: skip
    rows = agent_rows(agents, share_of(1, 2), order, CallFilter(), Site())
    assert (rows[0].says, rows[-1].says) == (first, "Not known")


def test_attention_is_told_where_a_rule_was_judged_in_part() -> None:
    given = dashboard(1)
    told = []
    for judged_calls, partly in ((3, 0), (0, 2), (0, 0)):
        totals = replace(given.totals, judged=judged_calls, partly_judged=partly, attention=0)
        tiles = tiles_of(replace(given, totals=totals), share_of(0, 1), CallFilter(), Site())
        told.append(next(tile.value for tile in tiles if tile.says == "need attention"))
    assert told == ["0", "0", UNKNOWN]


def test_a_stretch_leads_to_no_more_days_than_are_chosen() -> None:
    wanted = CallFilter(first_day=MONDAY + timedelta(days=2), last_day=MONDAY + timedelta(days=4))
    (one,) = stretches_of([in_period(MONDAY)], "week", wanted, Site())
    assert one.address == "/calls?from=2026-09-16&to=2026-09-18"


@pytest.mark.parametrize(
    ("wanted", "today", "whole"),
    [
        (CallFilter(), MONDAY + 4 * WEEK, [False, True, True]),
        (CallFilter(), MONDAY + 2 * WEEK + timedelta(days=3), [False, True, False]),
        (CallFilter(first_day=MONDAY), MONDAY + 4 * WEEK, [True, True, True]),
        (CallFilter(first_day=MONDAY + timedelta(days=1)), MONDAY + 4 * WEEK, [False, True, True]),
        (CallFilter(last_day=MONDAY + 2 * WEEK), MONDAY + 4 * WEEK, [False, True, False]),
        (CallFilter(last_day=MONDAY + 3 * WEEK - timedelta(days=1)), MONDAY + 4 * WEEK, [False, True, True]),
        (CallFilter(last_day=MONDAY + 3 * WEEK - timedelta(days=2)), MONDAY + 4 * WEEK, [False, True, False]),
        (CallFilter(), MONDAY + 3 * WEEK - timedelta(days=1), [False, True, False]),
        (CallFilter(), MONDAY + 3 * WEEK, [False, True, True]),
    ],
)
def test_only_whole_weeks_are_compared(wanted: CallFilter, today: date, whole: list[bool]) -> None:
    """The week under way has fewer calls of every topic: it looked as if all of them went back."""
    weeks = weeks_of([about("a", MONDAY, 1), about("a", MONDAY + 2 * WEEK, 1), about(None, None, 3)], wanted, today)
    assert [one for _, one in weeks] == whole


def test_a_topic_that_did_not_come_last_week_has_zero_and_not_nothing() -> None:
    found = [about("a", MONDAY, 9), about("b", MONDAY + WEEK, 1), about(None, MONDAY + WEEK, 50)]
    weeks = [(MONDAY, True), (MONDAY + WEEK, True)]
    rows = topic_rows(found, weeks, share_of(1, 2), CallFilter(), Site())
    assert [(row.says, row.before, row.now, row.beyond_chance) for row in rows] == [
        ("a", 9, 0, True), ("b", 0, 1, False), ("No topic", 0, 50, True),
    ]  # fmt: skip
    assert rows[2].address == "/calls?topic=-"
    assert rows[0].before_address == "/calls?from=2026-09-14&to=2026-09-20&topic=a"


def test_a_subtopic_that_is_asked_for_stays() -> None:
    rows = topic_rows([about("Cards", MONDAY, 1)], [], share_of(0, 1), CallFilter(topic="Cards > Lost"), Site())
    assert rows[0].address == "/calls?topic=Cards+%3E+Lost"


@pytest.mark.parametrize(
    ("before", "now", "beyond"),
    [
        (0, 0, False),
        (None, None, False),
        (1, 2, False),
        (10, 21, True),
        (23, 35, False),
        (200, 260, True),
        (5, 0, True),
    ],
)
def test_a_change_by_chance_is_not_marked(before: int | None, now: int | None, beyond: bool) -> None:
    assert beyond_chance(before, now) is beyond


def test_one_unhappy_call_does_not_make_the_unhappiest_agent() -> None:
    """By share alone an agent with one call, unhappy, came before one with 60 of 100."""
    rows = agent_rows(
        [of_agent("one", 1, 1), of_agent("many", 100, 60), of_agent(None, 5, 5)], share_of(66, 106), "negative",
        CallFilter(), Site(),
    )  # fmt: skip
    assert [row.says for row in rows] == ["many", "one", "Not known"]


@given(st.integers(1, 10_000), st.data())
def test_an_interval_holds_its_share(whole: int, data: st.DataObject) -> None:
    share = share_of(data.draw(st.integers(0, whole)), whole)
    assert share.low is not None
    assert share.high is not None
    assert share.value is not None
    assert 0 <= share.low <= share.value + 1e-12
    assert share.value - 1e-12 <= share.high <= 1


@pytest.mark.parametrize(("days", "period"), [(0, "day"), (61, "day"), (62, "week"), (2_000, "month")])
def test_columns_stay_few_enough_to_tell_apart(days: int, period: str) -> None:
    totals = Totals(
        calls=1, failed=0, undated=0, duration_s=1, measured=1, negative=0, neutral=0, positive=0, silence_share=None,
        client_talk_share=None, agent_talk_share=None, demonstration=0, attention=0, judged=0,
        partly_judged=0, agents=1,
        first_day=MONDAY,
        last_day=MONDAY + timedelta(days=days),
    )  # fmt: skip
    assert period_of(totals) == period


@pytest.mark.parametrize(
    ("judged_calls", "partly", "says"),
    [
        (0, 0, "no rules were judged"),
        (8, 0, "of 8 calls judged"),
        (8, 1, "of 8 calls judged; 1 call in other languages only in part"),
        (0, 3, "3 calls in other languages only in part"),
    ],
)
def test_calls_in_a_language_without_phrases_are_not_among_the_judged(
    judged_calls: int, partly: int, says: str
) -> None:
    assert judged(judged_calls, partly) == says


@pytest.mark.parametrize(
    ("named", "first", "last"),
    [
        ("Yesterday", "2026-11-26", "2026-11-26"),
        ("Last 7 days", "2026-11-21", "2026-11-27"),
        ("Last 4 weeks", "2026-10-31", "2026-11-27"),
        ("Last 12 weeks", "2026-09-05", "2026-11-27"),
    ],
)
def test_a_stretch_of_time_is_as_long_as_its_name_says(named: str, first: str, last: str) -> None:
    """Nobody noticed a day more or less."""
    address = presets_of(CallFilter(agent="A7"), Site(), date(2026, 11, 27))[named]
    assert parse_qs(urlsplit(address).query) == {"from": [first], "to": [last], "agent": ["A7"]}


@pytest.mark.parametrize(
    ("asked", "of_all", "passed"),
    [
        (None, "/calls?scorecard=manners", "/calls?scorecard=manners%3Apassed"),
        ("manners", "/calls?scorecard=manners", "/calls?scorecard=manners%3Apassed"),
        ("manners:passed", None, "/calls?scorecard=manners%3Apassed"),
        ("other", None, None),
    ],
)
def test_a_scorecard_leads_to_its_calls_unless_others_are_asked_for(
    asked: str | None, of_all: str | None, passed: str | None
) -> None:
    count = ScorecardCount(scorecard="manners", title="Manners", calls=4, passed=3, failed_critical=1, mean_score=0.5)
    (row,) = scorecard_rows([count], CallFilter(scorecard=asked), Site())
    assert (row.address, row.passed_address) == (of_all, passed)
    assert (row.failed_address is None) == (row.critical_address is None) == (asked in ("manners:passed", "other"))


def shown(found: Dashboard, offered: Sequence[Choice] = (), wanted: CallFilter | None = None) -> str:
    return " ".join(dashboard_page(found, offered, wanted or CallFilter(), Site(), today=MONDAY).split())


def test_agents_beyond_the_first_are_folded_away() -> None:
    first, more = shown(dashboard(25)), shown(dashboard(27))
    assert "The other 2 agents" in more
    assert "The other" not in first


@pytest.mark.parametrize(
    ("calls", "offered", "asked", "empty"),
    [
        (0, False, False, True),
        (1, False, False, False),
        (0, True, False, False),
        (0, False, True, False),
        (1, True, True, False),
    ],
)
def test_before_the_first_call_the_page_says_how_to_begin(calls: int, offered: bool, asked: bool, empty: bool) -> None:
    queue = Choice(kind="queue", value="billing", says="billing", calls=1)
    html = shown(dashboard(calls), [queue] if offered else [], CallFilter(agent="A7") if asked else CallFilter())
    assert ("No calls yet" in html) is empty
