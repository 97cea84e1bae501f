"""The dashboard: many calls in figures, each of which leads to its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from markupsafe import Markup

from db.queries.chosen import NONE, CallFilter
from db.queries.dashboard import Dashboard, InPeriod, OfAgent, Period, TopicInWeek
from db.queries.reading import Choice
from pages import numbers
from pages.charts import Column, columns, interval_bar, spark
from pages.filters import address_of
from pages.list_page import chips_of, options_of, says_of
from pages.rendering import page
from pages.site import Site
from pages.words import MOODS
from pipeline.intervals import score_interval
from pipeline.plurals import counted

FIRST_AGENTS = 25
AGENT_ORDERS: Mapping[str, str] = {
    "calls": "most calls",
    "negative": "most unhappy customers",
    "length": "longest calls",
    "talk": "agent talks most",
    "silence": "most silence",
}
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure at the top."""

    value: str
    says: str
    address: str | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A day, week or month in a chart and in the table beneath it."""

    says: str
    address: str
    calls: int
    moods: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole, with the 95 % interval of the share; None for a whole of 0."""

    part: int
    whole: int
    low: float | None
    high: float | None

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """An agent beside the others."""

    says: str
    address: str
    of: OfAgent
    negative: Share
    negative_address: str | None
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenth:
    """Calls with a share in one tenth."""

    says: str
    address: str | None
    calls: int


def dashboard_page(
    found: Dashboard,
    offered: Sequence[Choice],
    wanted: CallFilter,
    site: Site,
    *,
    today: date,
    agents_by: str = "calls",
    within: CallFilter | None = None,
    faults: Sequence[str] = (),
) -> str:
    """HTML of the dashboard; `today` in the reader's time zone. A written one is of the calls `within` a filter."""
    stretches = stretches_of(found.periods, found.period, wanted, site)
    weeks = weeks_of(found.topics, within or wanted, today)
    negative = share_of(found.totals.negative, found.totals.with_mood)
    rows = agent_rows(found.agents, negative, agents_by, wanted, site)
    return page(
        "dashboard",
        totals=found.totals,
        tiles=tiles_of(found, negative, wanted, site),
        period=found.period,
        stretches=stretches,
        volume=columns([_volume(one) for one in stretches], "calls"),
        mood_chart=columns([_moods(one) for one in stretches if sum(one.moods.values())], "shares"),
        topics=topic_rows(found.topics, weeks, negative, wanted, site),
        weeks=weeks,
        two_weeks=len(_whole(weeks)) >= 2,
        agents=rows[:FIRST_AGENTS],
        more_agents=rows[FIRST_AGENTS:],
        agent_orders={name: site.dashboard(wanted, agents=name) for name in AGENT_ORDERS},
        agents_by=agents_by,
        AGENT_ORDERS=AGENT_ORDERS,
        silence=tenths_of(found, "silence", wanted, site),
        talk=tenths_of(found, "talk", wanted, site),
        failures=found.failures,
        rules=[(rule, narrowed_to(wanted, site, attention=rule.rule)) for rule in found.rules],
        options=options_of(offered, wanted),
        chips=chips_of(wanted, site.dashboard),
        wanted=address_of(wanted),
        nothing_yet=not offered and not found.totals.calls and wanted == CallFilter(),
        presets={} if site.written else presets_of(wanted, site, today),
        within=says_of(within),
        today=today,
        filter=wanted,
        faults=faults,
        site=site,
    )


def share_of(part: int, whole: int) -> Share:
    low, high = score_interval(part, whole) if whole else (None, None)
    return Share(part=part, whole=whole, low=low, high=high)


def tiles_of(found: Dashboard, negative: Share, wanted: CallFilter, site: Site) -> list[Tile]:
    """The figures at the top."""
    totals = found.totals
    asked = wanted.attention or "any"
    mean_s = totals.duration_s / totals.measured if totals.measured else None
    return [
        Tile(value=numbers.number(totals.calls), says="calls", address=site.calls(wanted)),
        Tile(value=numbers.length(totals.duration_s), says="recorded", address=site.calls(wanted, sort="longest"),
             note=f"{numbers.length(mean_s)} on average" if mean_s is not None else ""),
        Tile(value=numbers.share(negative.value), says="unhappy customers",
             address=narrowed_to(wanted, site, mood="negative"), note=shown_share(negative)),
        Tile(value=numbers.number(totals.attention) if totals.judged else numbers.UNKNOWN, says="need attention",
             address=site.calls(wanted, attention=asked, sort="attention") if totals.attention else None,
             note=f"of {counted(totals.judged, 'call')} judged" if totals.judged else "no rules were judged"),
        Tile(value=numbers.share(totals.silence_share), says="silence", address=site.calls(wanted, sort="silence")),
        Tile(value=numbers.share(totals.agent_talk_share), says="agents talk", address=site.calls(wanted),
             note=f"customers {numbers.share(totals.client_talk_share)}"),
        Tile(value=numbers.number(totals.failed), says="failed",
             address="#failures" if totals.failed else None,
             note="of all calls" if totals.failed else "every call has a result"),
    ]  # fmt: skip


def stretches_of(periods: Sequence[InPeriod], period: Period, wanted: CallFilter, site: Site) -> list[Stretch]:
    """Every day, week or month from the first to the last, those without a call among them."""
    known = {one.first_day: one for one in periods}
    stretches = []
    first = periods[0].first_day if periods else None
    while first is not None and first <= periods[-1].first_day:
        following = _following(first, period)
        found = known.get(first)
        stretches.append(
            Stretch(
                says=_span(first, following - timedelta(days=1), period),
                address=site.calls(wanted, **_days(first, following, wanted)),
                calls=found.calls if found else 0,
                moods={mood: getattr(found, mood) if found else 0 for mood in MOODS},
            )
        )
        first = following
    return stretches


def weeks_of(topics: Sequence[TopicInWeek], wanted: CallFilter, today: date) -> list[tuple[date, bool]]:
    """Mondays from the first week with a call to the last, and whether the week is whole: over, and all of it chosen.

    The first week with calls is not whole, unless it begins with the filter: recording may have begun within it.
    """
    with_calls = sorted({one.week for one in topics if one.week is not None})
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
    for one in topics:
        by_topic.setdefault(one.topic, []).append(one)
    whole = _whole(weeks)
    before, now = whole[-2:] if len(whole) >= 2 else (None, None)
    rows = []
    for topic, found in by_topic.items():
        in_week = {one.week: one.calls for one in found}
        value = NONE if topic is None else topic
        narrowed = replace(wanted, topic=_narrower(wanted.topic, value))
        negative = share_of(sum(one.negative for one in found), sum(one.with_mood for one in found))
        counts = (in_week.get(before, 0), in_week.get(now, 0)) if before and now else (None, None)
        rows.append(
            TopicRow(
                says=topic or "No topic",
                address=site.calls(narrowed),
                calls=sum(one.calls for one in found),
                by_week=spark([in_week.get(week, 0) for week, _ in weeks]),
                now=counts[1],
                now_address=site.calls(narrowed, **_days(now, now + WEEK, wanted)) if now else None,
                before=counts[0],
                before_address=site.calls(narrowed, **_days(before, before + WEEK, wanted)) if before else None,
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


def agent_rows(agents: Sequence[OfAgent], overall: Share, order: str, wanted: CallFilter, site: Site) -> list[AgentRow]:
    """Agents in one of AGENT_ORDERS; calls without an agent last."""
    rows = []
    for one in agents:
        negative = share_of(one.negative, one.with_mood)
        narrowed = replace(wanted, agent=one.agent_id or NONE)
        rows.append(
            AgentRow(
                says=one.agent_id or "Not known",
                address=site.calls(narrowed),
                of=one,
                negative=negative,
                negative_address=narrowed_to(narrowed, site, mood="negative"),
                bar=interval_bar(negative.value, negative.low, negative.high, overall.value),
            )
        )
    return sorted(rows, key=lambda row: (row.of.agent_id is None, -_rank(row, order), row.says))


def tenths_of(found: Dashboard, kind: str, wanted: CallFilter, site: Site) -> list[Tenth]:
    """All ten, unless nothing is measured."""
    calls = {one.tenth: one.calls for one in found.tenths if one.kind == kind}
    if not calls:
        return []
    return [
        Tenth(
            says=f"{tenth * 10} to {tenth * 10 + 10} %",
            address=narrowed_to(wanted, site, **{kind: (tenth * 10, tenth * 10 + 10)}),
            calls=calls.get(tenth, 0),
        )
        for tenth in range(10)
    ]


def narrowed_to(wanted: CallFilter, site: Site, **change: object) -> str | None:
    """The list of those of the chosen calls that fulfil `change` as well; None where another value of the same kind is
    asked for already: an address holds one of each."""
    for name, value in change.items():
        asked = getattr(wanted, name)
        if asked not in (None, value, "any"):
            return None
    return site.calls(wanted, **change)


def presets_of(wanted: CallFilter, site: Site, today: date) -> dict[str, str]:
    """Stretches of time that people ask for in the morning."""

    def since(days: int, last: date) -> str:
        return site.dashboard(wanted, first_day=last - timedelta(days=days - 1), last_day=last, undated=False)

    yesterday = today - timedelta(days=1)
    return {
        "Yesterday": since(1, yesterday),
        "Last 7 days": since(7, today),
        "Last 4 weeks": since(28, today),
        "Last 12 weeks": since(84, today),
    }


def shown_share(share: Share) -> str:
    """`3 of 12`, with the interval where few calls would mislead."""
    if share.low is None or share.high is None:
        return "no call has a mood"
    return f"{share.part:,} of {counted(share.whole, 'call')}, {100 * share.low:.0f}–{100 * share.high:.0f} %"


def _rank(row: AgentRow, order: str) -> float:
    ranks: Mapping[str, float | None] = {
        "calls": row.of.calls,
        "negative": row.negative.low,
        "length": row.of.mean_duration_s,
        "talk": row.of.agent_talk_share,
        "silence": row.of.silence_share,
    }
    return ranks[order] or 0.0


def _narrower(asked: str | None, topic: str) -> str:
    """A subtopic that is asked for stays, within its own topic."""
    return asked if asked is not None and asked.startswith(f"{topic} > ") else topic


def _whole(weeks: Sequence[tuple[date, bool]]) -> list[date]:
    return [week for week, whole in weeks if whole]


def _days(first: date, following: date, wanted: CallFilter) -> dict[str, date]:
    """The days of a stretch, as far as they are chosen."""
    last = following - timedelta(days=1)
    return {
        "first_day": max(first, wanted.first_day) if wanted.first_day else first,
        "last_day": min(last, wanted.last_day) if wanted.last_day else last,
    }


def _following(first: date, period: Period) -> date:
    if period == "month":
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first + (WEEK if period == "week" else timedelta(days=1))


def _span(first: date, last: date, period: Period) -> str:
    if period == "month":
        return f"{first:%B %Y}"
    if period == "day":
        return f"{first:%a} {first.day} {first:%b %Y}"
    return f"{first.day} {first:%b} to {last.day} {last:%b %Y}"


def _volume(one: Stretch) -> Column:
    return Column(parts=(("calls", one.calls),), address=one.address, says=f"{one.says}: {counted(one.calls, 'call')}")


def _moods(one: Stretch) -> Column:
    whole = sum(one.moods.values())
    said = ", ".join(f"{count:,} {mood}" for mood, count in one.moods.items())
    parts = tuple((mood, count / whole) for mood, count in one.moods.items())
    return Column(parts=parts, address=one.address, says=f"{one.says}: {said}")
