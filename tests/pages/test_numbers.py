"""Numbers as people read them, at the bounds where their form changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pages.numbers import UNKNOWN, length, moment, number, share


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, UNKNOWN),
        (0.0, "0 s"),
        (0.04, "0.0 s"),
        (8.0, "8 s"),
        (8.25, "8.2 s"),
        (9.96, "10.0 s"),
        (10.25, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (62.0, "1 min 02 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (3 * 3600 + 5 * 60 + 59, "3 h 05 min"),
        (359_999, "99 h 59 min"),
        (360_000, "100 h"),
        (4_334_400, "1,204 h"),
        (36_000_000, "10,000 h"),
    ],
)
def test_a_length(seconds: float | None, said: str) -> None:
    assert length(seconds) == said


def test_shares_numbers_and_moments() -> None:
    assert [share(value) for value in (None, 0.0, 0.456, 1.0)] == [UNKNOWN, "0 %", "46 %", "100 %"]
    assert [number(None), number(1234.56), number(1234.56, 1)] == [UNKNOWN, "1,235", "1,234.6"]
    assert moment(None, "UTC") == "start not known"
    assert moment(datetime(2026, 9, 4, 23, 11, tzinfo=UTC), "Asia/Tokyo") == "5 Sep 2026, 08:11"
