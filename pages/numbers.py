"""Numbers, times and lengths as people read them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

UNKNOWN = "–"


def length(seconds: float | None) -> str:
    """How long something takes: 8 s, 1 min 02 s, 3 h 05 min, 1,204 h."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole >= 360_000:
        return f"{whole / 3600:,.0f} h"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def share(value: float | None) -> str:
    """A share of 0..1 in percent."""
    return UNKNOWN if value is None else f"{100 * value:.0f} %"


def number(value: float | None, digits: int = 0) -> str:
    """With thousands separators."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def moment(value: datetime | None, timezone: str) -> str:
    """When, in the reader's time zone: 15 Sep 2026, 10:11."""
    if value is None:
        return "start not known"
    there = value.astimezone(ZoneInfo(timezone))
    return f"{there.day} {there:%b %Y, %H:%M}"
