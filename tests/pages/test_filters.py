"""Filters in a page's address."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.queries.chosen import CallFilter
from pages.filters import LONGEST_VALUE, NAMES, address_of, filter_of, sort_of
from pages.site import Site
from pages.words import MOODS
from pipeline.records import CallStatus

TEXTS = st.text(min_size=1, max_size=40).map(str.strip).filter(
    lambda text: bool(text) and "\x00" not in text and text.isprintable()
)  # fmt: skip
DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1))
FILTERS = st.builds(
    CallFilter,
    first_day=st.none() | DAYS,
    undated=st.booleans(),
    agent=st.none() | TEXTS,
    queue=st.none() | TEXTS,
    topic=st.none() | TEXTS,
    mood=st.none() | st.sampled_from([*MOODS, "-"]),
    flag=st.none() | TEXTS,
    status=st.none() | st.sampled_from([str(status) for status in CallStatus]),
    customer=st.none() | TEXTS,
    attention=st.none() | TEXTS,
    scorecard=st.none() | TEXTS,
    silence=st.none() | st.tuples(st.integers(0, 49), st.integers(50, 100)),
    text=st.none() | TEXTS,
)


@given(FILTERS)
def test_a_filter_comes_back_from_its_address(wanted: CallFilter) -> None:
    address = Site().calls(wanted)
    query = dict(parse_qsl(address.partition("?")[2]))
    assert filter_of(query) == (wanted, [])


@given(st.dictionaries(st.sampled_from(list(NAMES.values())), st.text(max_size=60)))
def test_any_address_has_a_filter(address: dict[str, str]) -> None:
    wanted, _ = filter_of(address)
    assert filter_of(dict(parse_qsl(urlencode(address_of(wanted)))))[0] == wanted


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ({"from": "2026-13-40"}, "`2026-13-40` is no day"),
        ({"mood": "furious"}, "`furious` is none of"),
        ({"status": "lost"}, "`lost` is none of"),
        ({"from": "2026-09-30", "to": "2026-09-01"}, "the first day comes after the last one"),
        ({"q": "x" * 401}, "too long"),
        ({"silence": "30"}, "no range of percent"),
        ({"talk": "40-30"}, "no range of percent"),
        ({"talk": "30-30"}, "no range of percent"),
        ({"talk": "0-101"}, "no range of percent"),
        ({"talk": "0-1000"}, "no range of percent"),
        ({"agent": "a\x00b"}, "no text"),
        ({"agent": "a\ud800"}, "no text"),
    ],
)
def test_what_means_nothing_is_told(address: dict[str, str], says: str) -> None:
    wanted, faults = filter_of(address)
    assert len(faults) == 1
    assert says in faults[0]
    assert wanted.mood is None


def test_every_filter_has_a_name_in_the_address() -> None:
    assert set(NAMES) == {field.name for field in fields(CallFilter)} - {"since", "call_ids", "within"}
    assert len(set(NAMES.values())) == len(NAMES)


@pytest.mark.parametrize(
    ("site", "address"),
    [
        (Site(), "/calls/a1#at=12.5"),
        (Site(root="../", written=True, files={"a1": "20260914_one"}), "../calls/20260914_one.html#at=12.5"),
        (Site(root="../", written=True, files={"b2": "other"}), None),
    ],
    ids=["server", "folder", "not in the folder"],
)
def test_the_address_of_a_call_at_a_moment(site: Site, address: str | None) -> None:
    assert site.call("a1", 12.5) == address


def test_what_is_just_within_bounds_is_asked() -> None:
    asked, faults = filter_of({
        "from": "2026-09-01", "to": "2026-09-01", "q": "x" * LONGEST_VALUE, "silence": "0-1", "talk": "99-100",
        "undated": "no", "agent": "   ", "queue": " a ",
    })  # fmt: skip
    assert faults == []
    assert asked == CallFilter(
        first_day=date(2026, 9, 1), last_day=date(2026, 9, 1), text="x" * 400, silence=(0, 1), talk=(99, 100),
        undated=False, queue="a",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("address", "order", "faults"),
    [
        ({}, "newest", []),
        ({"sort": ""}, "newest", []),
        ({"sort": "newest"}, "newest", []),
        ({"sort": "longest"}, "longest", []),
        ({"sort": "best"}, "newest", ["sort: `best` is none of newest, oldest, longest, weight"]),
    ],
)
def test_the_order_is_one_of_ours_or_the_newest_first(address: dict[str, str], order: str, faults: list[str]) -> None:
    found, told = sort_of(address)
    assert found == order
    assert [fault.partition(",")[0] for fault in told] == [fault.partition(",")[0] for fault in faults]
