"""Times as recorders and exports write them. Doubts (an hour that a change of clocks repeats or skips; day before month
or month before day) are noted beside the value."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from pipeline.config.areas.call_metadata import TIME_STAMP

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1900, 9998
"""The range that every table, spreadsheet and program after us can hold in any time zone."""

_STAMP = re.compile(TIME_STAMP)
_NO_DIGIT = re.compile(r"\D")
_STAMP_PARTS = re.compile(
    r"(?P<digits>(?:\D*\d){14})"
    r"(?:[.,](?P<fraction>\d+))?(?:[ _.]?(?P<half>[AaPp])[Mm])?[ _-]??(?P<zone>(?i:utc|gmt|z)|[ECMP][SD]T)?"
    r"(?:[ _]?(?P<sign>[-+])(?P<hours>\d\d?)[:_-]?(?P<minutes>\d\d)?)?"
)
_WRITTEN = re.compile(
    r"(?:[A-Za-z]{3,9},? +)?"
    r"(?:(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})"
    r"|(?P<year_first>\d{4})(?P<between>[/.-])(?P<month>\d{1,2})(?P=between)(?P<day>\d{1,2})"
    r"|(?P<day_named>\d{1,2})[-. ]+(?P<named>[A-Za-z]{3,9})[-., ]+(?P<year_named>\d{4}|\d{2})"
    r"|(?P<named_first>[A-Za-z]{3,9})\.? +(?P<day_then>\d{1,2}),? +(?P<year_then>\d{4}))"
    r"(?:[ T,]+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second_s>\d{2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?:\s*(?P<zone>[A-Za-z]{1,4}|(?:UTC|GMT)?[-+]\d\d:?\d\d)(?:\[[\w/]+\])?)?)?"
)
"""13/02/2026 09:15, 2/13/26 9:15:02 PM EST, 13.02.2026, 2026/2/13, 13-Feb-2026 09.15.02, Friday, February 13, 2026."""
_OF_UNIX = re.compile(r"([A-Za-z]{3} )?([A-Za-z]{3}) +(\d{1,2}) (\d\d:\d\d:\d\d) (?:([A-Za-z]{3,4}) )?(\d{4})")
"""Fri Feb 13 09:15:02 EST 2026."""
_ZONES = {"Z": 0, "UT": 0, "UTC": 0, "GMT": 0} | {
    f"{coast}{clock}T": east + (clock == "D")
    for coast, east in (("E", -5), ("C", -6), ("M", -7), ("P", -8))
    for clock in "SD"
}
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}


@dataclass(frozen=True, slots=True)
class ReadTime:
    """A time that was read, and the doubt about it."""

    moment: datetime | None
    """With time zone; None for what cannot be read."""
    remark: str | None = None
    """`ambiguous`, `shifted` or `unreadable`; None when there is no doubt."""


def moment_of(seconds: float) -> datetime | None:
    """Seconds since 1970 as a time in UTC; None for a number that fits no calendar (file systems keep any number)."""
    try:
        return _within_calendar(_EPOCH + timedelta(seconds=seconds))
    except (OverflowError, ValueError):
        return None


def read_time(text: str, formats: Sequence[str], zone: tzinfo, day_first: bool | None = None) -> ReadTime:
    """The first of `formats` that fits, in `zone` where the text carries none.

    An hour that occurs twice is taken as the first (`ambiguous`); an hour that the change of clocks skips is read as if
    the clock had not been changed (`shifted`). `day_first` decides on 05/06/2026; None leaves it `ambiguous`,
    without a value.
    """
    text = text.strip()
    for form in formats:
        try:
            found = _read(text, form, day_first)
        except (ValueError, OverflowError, TypeError):
            continue
        if found is _UNDECIDED:
            return ReadTime(None, "ambiguous")
        placed = _placed(found, zone)
        if placed.moment is not None:
            return placed
    return ReadTime(None, "unreadable")


def day_comes_first(texts: Iterable[str]) -> bool | None:
    """Whether a column of dates puts the day first (13/02) or the month (02/13); None for neither, or both."""
    said = {first > 12 for first, second in map(_day_and_month, texts) if (first > 12) != (second > 12)}
    return said.pop() if len(said) == 1 else None


def is_undecided(text: str) -> bool:
    """Whether a date can be read both ways."""
    first, second = _day_and_month(text)
    return 0 < first <= 12 and 0 < second <= 12 and first != second


def _day_and_month(text: str) -> tuple[int, int]:
    match = _WRITTEN.fullmatch(text.strip())
    told = match is not None and match["mark"] in ("/", "-")
    return (int(match["first"]), int(match["second"])) if match and told else (0, 0)


_UNDECIDED = datetime(1, 1, 1)


def _read(text: str, form: str, day_first: bool | None) -> datetime:
    """Raises ValueError or OverflowError."""
    if form == "auto":
        return _read_any(text, day_first)
    if form in ("epoch_s", "epoch_ms"):
        seconds = float(text) / (1000 if form == "epoch_ms" else 1)
        if not math.isfinite(seconds):
            raise ValueError(text)
        return _EPOCH + timedelta(seconds=seconds)
    if form == "iso8601":
        return datetime.fromisoformat(text)
    if form == "stamp":
        return _read_stamp(text)
    return datetime.strptime(text, form)


def _read_any(text: str, day_first: bool | None) -> datetime:
    """What exports write: ISO 8601, a stamp, seconds or milliseconds since 1970, or a date in numbers or words."""
    whole = re.fullmatch(r"(\d{10}|\d{13})(?:\.\d+)?", text)
    if whole:
        return _read(text, "epoch_s" if len(whole[1]) == 10 else "epoch_ms", None)
    for read in (datetime.fromisoformat, _read_stamp):
        with suppress(ValueError):
            return read(text)
    return _read_written(_OF_UNIX.sub(r"\3 \2 \6 \4 \5", text).strip(), day_first)


def _read_stamp(text: str) -> datetime:
    parts = _STAMP_PARTS.fullmatch(text)
    if parts is None or _STAMP.fullmatch(text) is None:
        raise ValueError(text)
    digits = _NO_DIGIT.sub("", parts["digits"])
    month, day, hour, minute, second = (int(digits[index : index + 2]) for index in range(4, 14, 2))
    microsecond = int((parts["fraction"] or "").ljust(6, "0")[:6])
    hour = _of_24(hour, parts["half"])
    read = datetime(int(digits[:4]), month, day, hour, minute, second, microsecond)  # strptime takes ten times as long
    if parts["sign"]:
        return read.replace(tzinfo=_offset(parts["sign"], parts["hours"], parts["minutes"]))
    return read.replace(tzinfo=_zone(parts["zone"])) if parts["zone"] else read


def _read_written(text: str, day_first: bool | None) -> datetime:
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise ValueError(text)
    name = match["named"] or match["named_first"]
    if match["mark"]:
        first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
        if match["mark"] == "." or first > 12 or first == second:
            day_first = True
        elif second > 12:
            day_first = False
        elif day_first is None:
            return _UNDECIDED
        day, month = (first, second) if day_first else (second, first)
    elif name:
        month, day = _MONTHS.get(name[:3].lower(), 0), int(match["day_named"] or match["day_then"])
        year = int(match["year_named"] or match["year_then"])
    else:
        year, month, day = int(match["year_first"]), int(match["month"]), int(match["day"])
    year += 2000 if year < 100 else 0
    hour = _of_24(int(match["hour"] or 0), match["half"])
    read = datetime(year, month, day, hour, int(match["minute"] or 0), int(match["second_s"] or 0))
    return read.replace(tzinfo=_zone(match["zone"])) if match["zone"] else read


def _of_24(hour: int, half: str | None) -> int:
    """An hour of the clock with AM or PM. Raises ValueError for what no clock shows."""
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(f"{hour} {half}m")
    return hour % 12 + (12 if half.lower() == "p" else 0)


def _zone(name: str) -> tzinfo:
    """UTC, an offset from it, or a zone of North America as e-mail names them. Raises ValueError for others: `IST` is
    three zones."""
    offset = re.fullmatch(r"(?:UTC|GMT)?([-+])(\d\d):?(\d\d)", name)
    if offset:
        return _offset(*offset.groups())
    hours = _ZONES.get(name.upper())
    if hours is None:
        raise ValueError(name)
    return timezone(timedelta(hours=hours))


def _offset(sign: str, hours: str, minutes: str | None) -> tzinfo:
    size = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-size if sign == "-" else size)


def _placed(read: datetime, zone: tzinfo) -> ReadTime:
    if read.tzinfo is not None:
        return ReadTime(_within_calendar(read))
    if not FIRST_YEAR <= read.year <= LAST_YEAR:
        return ReadTime(None)
    here, later = read.replace(tzinfo=zone), read.replace(tzinfo=zone, fold=1)
    first, second = here.utcoffset(), later.utcoffset()
    if first == second or first is None or second is None:
        return ReadTime(here)
    if first > second:
        return ReadTime(here, "ambiguous")
    return ReadTime(here.astimezone(UTC).astimezone(zone), "shifted")


def _within_calendar(moment: datetime) -> datetime | None:
    try:
        year = moment.astimezone(UTC).year
    except OverflowError:
        return None
    return moment if FIRST_YEAR <= year <= LAST_YEAR else None
