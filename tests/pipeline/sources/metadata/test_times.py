"""Times as exports and recorders write them: read exactly, with their doubt, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from pipeline.config.areas.call_metadata import check_formats
from pipeline.sources.metadata.times import ReadTime, day_comes_first, is_undecided, moment_of, read_time

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 9, 14, 10, 15, 2, tzinfo=UTC)
S = AT.timestamp()


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        (f"{S:.0f}", "epoch_s", AT),
        (f" {S:.0f} ", "epoch_s", AT),
        (f"{S:.0f}000", "epoch_ms", AT),
        (f"{S:.0f}250", "epoch_ms", AT + timedelta(milliseconds=250)),
        ("nan", "epoch_s", None),
        ("inf", "epoch_ms", None),
        ("1e30", "epoch_s", None),
        (f"{S:.0f}", "auto", AT),
        (f"{S:.0f}.5", "auto", AT + timedelta(seconds=0.5)),
        (f"{S:.0f}000", "auto", AT),
        (f"{S:.0f}00", "auto", None),  # neither seconds nor milliseconds
        ("2026-09-14T10:15:02Z", "iso8601", AT),
        ("2026-09-14T12:15:02", "iso8601", AT),
        ("2026-09-14T05:15:02-05:00", "iso8601", AT),
        ("14.9.2026", "iso8601", None),
        ("2026-09-14T12:15:02", "auto", AT),
        ("20260914-121502", "stamp", AT),
        ("20260914-121502", "auto", AT),
        ("20260914121502", "stamp", AT),
        ("2026-09-14_12-15-02.5", "stamp", AT + timedelta(seconds=0.5)),
        ("20260914-121502.123456789", "stamp", AT + timedelta(microseconds=123456)),
        ("20260914-1215", "stamp", None),
        ("20261314-121502", "stamp", None),
        ("14.9.2026 12:15:02", "auto", AT),
        ("14.9.26 12:15:02", "auto", AT),
        ("14.9.2026 12:15", "auto", AT - timedelta(seconds=2)),
        ("14.9.2026", "auto", datetime(2026, 9, 13, 22, 0, tzinfo=UTC)),
        ("1/1/2026 00:00:00", "auto", datetime(2025, 12, 31, 23, 0, tzinfo=UTC)),
        ("13/9/2026", "auto", datetime(2026, 9, 12, 22, 0, tzinfo=UTC)),
        ("9/13/2026", "auto", datetime(2026, 9, 12, 22, 0, tzinfo=UTC)),
        ("13/13/2026", "auto", None),
        ("9/14/2026 12:15:02 PM", "auto", AT),
        ("9/14/2026 12:15:02 AM", "auto", AT - timedelta(hours=12)),
        ("9/14/2026 1:15:02 PM", "auto", AT + timedelta(hours=1)),
        ("9/14/2026 13:15:02 PM", "auto", None),
        ("9/14/2026 0:15:02 AM", "auto", None),
        ("Sep 14, 2026 12:15:02", "auto", AT),
        ("14 September 2026 12:15:02", "auto", AT),
        ("14 Foo 2026", "auto", None),
        ("2026/9/14 12:15:02", "auto", AT),
        ("14-9 2026", "%d-%m %Y", datetime(2026, 9, 13, 22, 0, tzinfo=UTC)),
        ("1899-12-31T23:00:00", "iso8601", None),
        ("1900-01-01T12:00:00", "iso8601", datetime(1900, 1, 1, 11, 0, tzinfo=UTC)),
        ("9998-12-31T12:00:00", "iso8601", datetime(9998, 12, 31, 11, 0, tzinfo=UTC)),
        ("9999-01-01T12:00:00", "iso8601", None),
        ("1899-12-31T12:00:00Z", "iso8601", None),
        ("9999-01-01T12:00:00Z", "iso8601", None),
        ("Mon Sep 14 12:15:02 2026", "auto", AT),
        ("Mon Sep 14 10:15:02 UTC 2026", "auto", AT),
        ("14.9.99 12:15:02", "auto", AT.replace(year=2099)),
        ("31.4.2026", "auto", None),
        ("20260914-101502Z", "stamp", AT),
        ("20260914-121502+0200", "stamp", AT),
        ("20260914-044502-0530", "stamp", AT),
        ("20260914-061502EDT", "stamp", AT),
        ("20260914-121502PM", "stamp", AT),
        ("20260914-121502AM", "stamp", AT - timedelta(hours=12)),
        ("20260914-131502PM", "stamp", None),
        ("", "auto", None),
    ],
)
def test_a_time_is_read_in_its_form(text: str, form: str, expected: datetime | None) -> None:
    remark = "unreadable" if expected is None else None
    assert read_time(text, [form], BERLIN) == ReadTime(expected, remark)


def test_the_first_form_that_fits_counts() -> None:
    assert read_time("01-02 2026", ["epoch_s", "%d-%m %Y", "%m-%d %Y"], UTC).moment == datetime(2026, 2, 1, tzinfo=UTC)
    assert read_time("0001-01-01", ["iso8601", "%d"], UTC) == ReadTime(None, "unreadable")


@pytest.mark.parametrize(
    ("day_first", "expected"),
    [
        (True, ReadTime(datetime(2026, 6, 5, tzinfo=UTC))),
        (False, ReadTime(datetime(2026, 5, 6, tzinfo=UTC))),
        (None, ReadTime(None, "ambiguous")),
    ],
)
def test_a_date_that_can_be_read_both_ways_needs_to_be_told(day_first: bool | None, expected: ReadTime) -> None:
    assert read_time("05/06/2026", ["auto"], UTC, day_first) == expected


@pytest.mark.parametrize(
    ("text", "moment", "remark"),
    [
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "ambiguous"),
        ("2026-03-29T02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "shifted"),
        ("2026-03-29T03:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC), None),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), None),
    ],
)
def test_hours_at_the_change_of_clocks(text: str, moment: datetime, remark: str | None) -> None:
    found = read_time(text, ["auto"], BERLIN)
    assert (found.moment and found.moment.astimezone(UTC), found.remark) == (moment, remark)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["13/02/2026"], True),
        (["02/13/2026"], False),
        (["05/06/2026", "13/02/2026"], True),
        (["05/06/2026", "12/12/2026"], None),
        (["13/02/2026", "02/13/2026"], None),
        (["13-02-2026"], True),
        (["13.02.2026"], None),
        (["13/14/2026"], None),
        ([], None),
    ],
)
def test_a_column_says_whether_the_day_comes_first(texts: list[str], expected: bool | None) -> None:
    assert day_comes_first(texts) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("05/06/2026", True),
        ("12/11/2026", True),
        ("12/12/2026", False),
        ("12/13/2026", False),
        ("13/12/2026", False),
        ("0/12/2026", False),
        ("5.6.2026", False),
        ("never", False),
    ],
)
def test_dates_that_can_be_read_both_ways(text: str, expected: bool) -> None:
    assert is_undecided(text) is expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (S, AT),
        (-1.0, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (1e18, None),
        (float("nan"), None),
        (-1e11, None),
    ],
)
def test_a_time_of_a_file(seconds: float, expected: datetime | None) -> None:
    assert moment_of(seconds) == expected


@pytest.mark.parametrize(
    ("zone", "offset_h"),
    [("UTC", 0), ("+0200", 2), ("-05:30", -5.5), ("GMT+01:00", 1), ("EST", -5), ("pdt", -7), ("IST", None)],
)
def test_zones_that_are_written_behind_a_time(zone: str, offset_h: float | None) -> None:
    found = read_time(f"14 Sep 2026 12:15:02 {zone}", ["auto"], BERLIN)
    if offset_h is None:
        assert found == ReadTime(None, "unreadable")
        return
    assert found.moment == datetime(2026, 9, 14, 12, 15, 2, tzinfo=timezone(timedelta(hours=offset_h)))


@pytest.mark.parametrize("forms", [("%Q",), ("auto", "%Q"), ("%H", "epoch_s", "%Q")])
def test_a_form_that_reads_nothing_is_refused_wherever_it_stands(forms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="'%Q' is not a strptime format"):
        check_formats(forms)
    assert check_formats(forms[:-1]) == forms[:-1]
