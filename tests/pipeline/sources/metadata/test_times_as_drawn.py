"""Times written in every way, drawn: each is read as it was read."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

import pytest

from pipeline.sources.metadata import times
from tests.pinned import assert_pinned

ZONE = ZoneInfo("Europe/Berlin")
DATES = (
    "14/09/2026", "09/14/2026", "5/6/2026", "6/6/26", "05-06-2026", "31.12.99", "2026/9/14", "2026-09-14",
    "14 Sep 2026",
    "Mon, 14 Sept 2026", "Sep 14, 2026", "September 3 26", "14-sep-2026", "29 Foo 2026", "31/02/2026", "12.13.2026",
    "13/13/2026", "12/12/2026", "1/13/2026", "29.03.2026", "25.10.2026", "1.1.1899", "1.1.1900",
)  # fmt: skip
CLOCKS = (
    "",
    "0:00",
    "02:30",
    "2:30:59",
    "12:00 AM",
    "12:30 pm",
    "11:59:59 PM",
    "13:00 PM",
    "0:15 am",
    "23:59",
    "24:00",
    "9 am",
)
ZONES = ("", " UTC", " GMT+0200", " +01:00", " EST", " PDT", " IST", "Z", " -0330")
STAMPS = (
    "20260914101502", "2026-09-14_10-15-02", "2026-09-14 10.15.02,5", "20260914-101502.1234567", "20260914101502pm",
    "20260914131502pm", "20260914101502_+0200", "20260914101502-01", "20260914101502Z", "20260914101502EDT",
    "20261314101502", "20260914 1015", "20260914101502 AM UTC", "2026-09-14T10:15:02+05:30", "20260914121502am",
    "20260914101502-0130",
)  # fmt: skip
NUMBERS = ("0", "1789380902", "1789380902.5", "1789380902123", "178938090", "1e300", "-1", "nan", "inf", "17893809021")
UNIX = (
    "Mon Sep 14 10:15:02 2026",
    "Mon Sep 14 10:15:02 CEST 2026",
    "Mon Sep  4 10:15:02 UTC 2026",
    " Tue Sep 15 09:00:00 2026 ",
)


def shown(text: str, read: times.ReadTime) -> str:
    return f"{text!r}: {read.moment and read.moment.isoformat()} {read.remark or ''}"


def lines_of_dates() -> Iterable[str]:
    draw = random.Random(1)
    written = [f"{date} {clock}".strip() + zone for date in DATES for clock in CLOCKS for zone in ZONES]
    for text in [*draw.sample(written, 330), *STAMPS, *NUMBERS, *UNIX]:
        yield shown(text, times.read_time(text, ["auto"], ZONE, draw.choice((None, True, False))))


def lines_of_forms() -> Iterable[str]:
    for text in (
        *STAMPS,
        *NUMBERS,
        "2026-09-14",
        "14.09.2026 10:15",
        "0001-01-01",
        "9999-12-31",
        "2026-03-29T02:30:00",
    ):
        for forms in (["stamp"], ["iso8601"], ["epoch_s"], ["epoch_ms"], ["%d.%m.%Y %H:%M", "iso8601"]):
            read = times.read_time(text, forms, ZONE)
            if read.remark != "unreadable":
                yield f"{forms} {shown(text, read)}"
    for seconds in (0.0, -2208988800.0, -2208988801.0, 253_370_764_799.0, 253_370_764_800.0, 1e18, float("nan")):
        yield f"{seconds}: {times.moment_of(seconds)}"


def lines_of_columns() -> Iterable[str]:
    for texts in (
        ["13/02/2026"],
        ["02/13/2026"],
        ["13/02/2026", "02/13/2026"],
        ["12/12/2026"],
        ["1/2/2026", "2-13-26"],
        [],
    ):
        yield f"{texts}: {times.day_comes_first(texts)}"
    for text in (
        *DATES,
        "12/11/2026",
        "12/12/2026",
        "13/12/2026",
        "1/0/2026",
        "0/1/2026",
        " 1-2-2026 10:00 ",
        "1.2.2026",
    ):
        yield f"{text}: {times.is_undecided(text)}"


@pytest.mark.parametrize(
    "lines", [lines_of_dates, lines_of_forms, lines_of_columns], ids=lambda lines: str(lines.__name__)
)
def test_what_was_read(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"times_{lines.__name__}.txt", "\n".join(lines()))
