"""What the list says of the filters in use and of those it offers, and where its pages lead."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from db.queries.chosen import NONE, CallFilter
from db.queries.listing import Choice, Total
from pages.list_page import CALLS_PER_PAGE, chips_of, list_page, options_of, says_of
from pages.site import Site
from tests.pages.samples import listed_call

OFFERED = (
    Choice(kind="agent", value="A7", says="A7", calls=3),
    Choice(kind="attention", value="threat", says="The customer wants to leave", calls=2),
    Choice(kind="scorecard", value="greeting:failed", says="Greeting", calls=1),
    Choice(kind="direction", value="inbound", says="inbound", calls=1),
)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"first_day": date(2026, 9, 1), "last_day": date(2026, 9, 30)}, ["From 2026-09-01", "To 2026-09-30"]),
        ({"undated": True}, ["Start not known"]),
        ({"agent": "A7", "queue": NONE}, ["Agent A7", "Queue not known"]),
        ({"direction": "outbound"}, ["Outbound"]),
        ({"mood": "negative"}, ["Customer: Negative"]),
        ({"status": "quarantined"}, ["Failed in several runs, not tried again"]),
        ({"attention": "threat"}, ["Attention: The customer wants to leave"]),
        ({"attention": "any"}, ["Attention: Any rule"]),
        ({"scorecard": "greeting:failed"}, ["Scorecard: Greeting: not passed"]),
        ({"scorecard": "manners:passed"}, ["Scorecard: manners: passed"]),
        ({"scorecard": "manners"}, ["Scorecard: manners"]),
        ({"silence": (50, 60)}, ["Silence 50 to 60 % of the call"]),
        ({"talk": (0, 9)}, ["Customer talks 0 to 9 % of the call"]),
        ({"text": "refund"}, ["Says “refund”"]),
        ({"customer": "4711", "language": "fr"}, ["Language fr", "Customer 4711"]),
        ({}, []),
    ],
)
def test_each_filter_in_use_is_told_and_can_be_taken_away(wanted: dict[str, Any], said: list[str]) -> None:
    chosen = CallFilter(**wanted)
    chips = chips_of(chosen, Site().calls, OFFERED)
    assert [chip.says for chip in chips] == said
    assert says_of(chosen, OFFERED) == [chip.says for chip in chips]
    for chip in chips:
        assert chip.without.count("&") + ("?" in chip.without) == len(chips) - 1
    assert says_of(None) == []


def test_what_is_asked_for_is_among_what_is_offered() -> None:
    options = options_of(OFFERED, CallFilter(agent="gone", attention="threat"))
    shown = {kind: [(option.value, option.says) for option in found] for kind, found in options.items()}
    assert shown["agent"] == [("A7", "A7"), ("gone", "gone")]
    assert shown["attention"] == [
        ("any", "Any rule"), ("critical", "Critical rules"), ("threat", "The customer wants to leave"),
    ]  # fmt: skip
    assert shown["scorecard"] == [("greeting:failed", "Greeting: not passed")]
    assert shown["direction"] == [("inbound", "Inbound")]
    assert [value for value, _ in shown["mood"]] == ["negative", "neutral", "positive"]
    assert shown["queue"] == []
    assert options_of((), CallFilter())["attention"] == []


CALL = listed_call()


@pytest.mark.parametrize(
    ("calls", "more", "number", "leads"),
    [
        (CALLS_PER_PAGE, False, 1, {}),
        (CALLS_PER_PAGE + 1, False, 1, {"next": "2"}),
        (CALLS_PER_PAGE + 1, False, 2, {"prev": "1"}),
        (2 * CALLS_PER_PAGE, True, 2, {"prev": "1", "next": "3"}),
        (3 * CALLS_PER_PAGE, False, 2, {"prev": "1", "next": "3"}),
    ],
)
def test_pages_lead_to_their_neighbours(calls: int, more: bool, number: int, leads: dict[str, str]) -> None:
    html = list_page([CALL], Total(calls=calls, duration_s=9, more=more), OFFERED, CallFilter(), Site(), number=number)
    found = dict(re.findall(r'<a rel="(\w+)" href="[^"]*page=(\d+)"', html))
    assert found == leads
    assert f"{(number - 1) * CALLS_PER_PAGE + 1}" in html
