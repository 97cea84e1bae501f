"""The dashboard: many calls in figures, each of which leads to its calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from db.queries.chosen import CallFilter
from db.queries.dashboard import Dashboard
from db.queries.listing import Choice
from db.queries.runs import UnfinishedRun
from db.queries.watch import NightFigure
from pages.dashboard.agents import AGENT_ORDERS, agent_rows
from pages.dashboard.narrowing import narrowed_to
from pages.dashboard.periods import mood_column, stretches_of, volume_column
from pages.dashboard.runs import notes_of
from pages.dashboard.scorecards import scorecard_rows
from pages.dashboard.shares import share_of, tenths_of
from pages.dashboard.tiles import tiles_of
from pages.dashboard.topics import topic_rows, weeks_of, whole_weeks
from pages.filters import address_of
from pages.list_page import chips_of, options_of, says_of
from pages.quality_page import nights_chart
from pages.rendering import page
from pages.site import Site
from pages.svg.charts import columns

FIRST_AGENTS = 25


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
    nights: Sequence[NightFigure] = (),
    alarm_wer: float | None = None,
    unfinished: Sequence[UnfinishedRun] = (),
    guess: str | None = None,
) -> str:
    """HTML of the dashboard; `today` in the reader's time zone. A written one is of the calls `within` a filter.

    Args:
        nights: of the quality watch, where the page is of all calls.
        unfinished: runs that left recordings without a row, where the page is of all calls.
        guess: what may have been meant, where nobody said the words that were looked for.
    """
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
        volume=columns([volume_column(stretch) for stretch in stretches], "calls"),
        mood_chart=columns([mood_column(stretch) for stretch in stretches if sum(stretch.moods.values())], "shares"),
        topics=topic_rows(found.topics, weeks, negative, wanted, site),
        weeks=weeks,
        two_weeks=len(whole_weeks(weeks)) >= 2,
        agents=rows[:FIRST_AGENTS],
        more_agents=rows[FIRST_AGENTS:],
        agent_orders={name: site.dashboard(wanted, agents=name) for name in AGENT_ORDERS},
        agents_by=agents_by,
        AGENT_ORDERS=AGENT_ORDERS,
        silence=tenths_of(found, "silence", wanted, site),
        talk=tenths_of(found, "talk", wanted, site),
        failures=found.failures,
        run_notes=notes_of(unfinished, site.timezone),
        everything=(within or wanted) == CallFilter(),
        nights=nights,
        nights_chart=nights_chart(nights, alarm_wer),
        alarm_wer=alarm_wer,
        rules=[(rule, narrowed_to(wanted, site, attention=rule.rule)) for rule in found.rules],
        scorecards=scorecard_rows(found.scorecards, wanted, site),
        options=options_of(offered, wanted),
        chips=chips_of(wanted, site.dashboard, offered),
        wanted=address_of(wanted),
        nothing_yet=not offered and not found.totals.calls and wanted == CallFilter(),
        guess=guess,
        presets={} if site.written else presets_of(wanted, site, today),
        within=says_of(within, offered),
        today=today,
        filter=wanted,
        faults=faults,
        site=site,
    )


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
