"""Pages of much: four hours in 5,000 turns, 300 agents, text from right to left."""

from __future__ import annotations

import re
from datetime import date

from db.queries.chosen import CallFilter
from db.queries.listing import MARK_BEGIN, MARK_END, Choice, Total
from pages.call_page import CallContent, Sound, call_page
from pages.dashboard.page import dashboard_page
from pages.list_page import list_page
from pages.site import Site
from pipeline.records import Role
from tests.pages.samples import NEGATIVE, dashboard, listed_call, shown_call, shown_chunk

TURNS = 5_000
AGENTS = 300
ARABIC = "أريد إلغاء العقد"


def test_four_hours_of_5000_turns_are_one_page_that_a_browser_lays_out_in_parts() -> None:
    chunks = [
        shown_chunk(
            number * 2.88, number * 2.88 + 2.5, "so I would like to know why", channel=number % 2, ordinal=number // 2,
            role=(Role.CLIENT, Role.AGENT)[number % 2], fusion_probabilities=NEGATIVE,
        )
        for number in range(TURNS)
    ]  # fmt: skip
    html = call_page(CallContent(call=shown_call(duration_s=14_400.0), chunks=chunks), Sound(address="/a"), Site())
    assert html.count('<li id="t') == TURNS
    assert '<ol class="turns many">' in html, "only then what is out of sight is not laid out (content-visibility)"
    assert ">4:00:00<" in html or "3:59:5" in html
    assert len(html) < 400 * TURNS


def test_of_300_agents_the_first_stand_in_sight_and_each_can_be_chosen() -> None:
    found = dashboard(AGENTS)
    offered = [Choice(kind="agent", value=one.agent_id or "", says="", calls=one.calls) for one in found.agents]
    html = dashboard_page(found, offered, CallFilter(), Site(), today=date(2026, 11, 27))
    section = html[html.index('aria-labelledby="agents"') :]
    before, folded, rest = section.partition("<details")
    assert (before.count('<th scope="row">'), bool(folded)) == (25, True)
    assert rest[: rest.index("</details>")].count('<th scope="row">') == AGENTS - 25
    assert len(re.findall(r'<option value="4\d\d\d"', html)) == AGENTS


def test_a_list_isolates_text_from_right_to_left() -> None:
    """Or its punctuation and the figures beside it change places."""
    call = listed_call(topic=ARABIC, agent_id="7", said_quote=f"{MARK_BEGIN}{ARABIC}{MARK_END}", said_at_s=1.0)
    html = list_page([call], Total(calls=1, duration_s=9), [], CallFilter(text=ARABIC), Site())
    assert f'dir="auto">{ARABIC}</a>' in html
    assert f'<q dir="auto"><mark>{ARABIC}</mark></q>' in html
    assert f'value="{ARABIC}"' in html
