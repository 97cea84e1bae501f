"""Times as recorders and exports write them. Doubts (an hour that a change of clocks repeats or skips; day before month
or month before day) are noted beside the value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime

from pipeline.config.areas.call_metadata import TIME_STAMP

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1900, 9998
"""The range that every table, spreadsheet and program after us can hold in any time zone."""

_STAMP = re.compile(TIME_STAMP)
_NO_DIGIT = re.compile(r"\D")
_FOURTEEN_DIGITS = re.compile(r"(?:\D*\d){14}")
_TAIL = re.compile(r"(?:[.,](?P<fraction>\d+))?(?P<offset>[Zz]|[-+]\d\d:?\d\d)?")
_NUMERIC = re.compile(
    r"(?P<first>\d{1,2})(?P<mark>[/.-])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})"
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second_s>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[AaPp])?\.?[Mm]?\.?)?"
)
"""13/02/2026 09:15, 2/13/26 9:15:02 PM, 13.02.2026."""


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
    match = _NUMERIC.fullmatch(text.strip())
    return (int(match["first"]), int(match["second"])) if match and match["mark"] != "." else (0, 0)


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
    """What exports write: ISO 8601, a stamp, seconds or milliseconds since 1970, e-mail's form, or numbers."""
    match = _NUMERIC.fullmatch(text)
    if match:
        return _read_numeric(match, day_first)
    whole = re.fullmatch(r"(\d{10}|\d{13})(?:\.\d+)?", text)
    if whole:
        return _read(text, "epoch_s" if len(whole[1]) == 10 else "epoch_ms", None)
    for read in (datetime.fromisoformat, _read_stamp, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError):
            continue
    raise ValueError(text)


def _read_stamp(text: str) -> datetime:
    if _STAMP.fullmatch(text) is None:
        raise ValueError(text)
    head = _FOURTEEN_DIGITS.match(text)
    tail = _TAIL.fullmatch(text, head.end()) if head else None
    if head is None or tail is None:
        raise ValueError(text)
    digits = _NO_DIGIT.sub("", head.group())
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    microsecond = int((tail["fraction"] or "").ljust(6, "0")[:6])
    read = datetime(int(digits[:4]), month, day, hour, minute, second, microsecond)  # strptime takes ten times as long
    return datetime.fromisoformat(f"{read.isoformat()}{tail['offset'].upper()}") if tail["offset"] else read


def _read_numeric(match: re.Match[str], day_first: bool | None) -> datetime:
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    if match["mark"] == "." or first > 12 or first == second:
        day_first = True
    elif second > 12:
        day_first = False
    elif day_first is None:
        return _UNDECIDED
    day, month = (first, second) if day_first else (second, first)
    hour = int(match["hour"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(match.group())
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    year += 2000 if year < 100 else 0
    return datetime(year, month, day, hour, int(match["minute"] or 0), int(match["second_s"] or 0))


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
