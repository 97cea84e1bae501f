"""The filter in a page's address: `?from=2026-09-01&agent=4711&mood=negative`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import get_args

from db.queries.chosen import NONE, CallFilter
from db.queries.listing import Sort
from pages.words import DIRECTIONS, MOODS
from pipeline.records import CallStatus

NAMES: Mapping[str, str] = {
    "first_day": "from", "last_day": "to", "undated": "undated", "agent": "agent", "queue": "queue",
    "direction": "direction", "topic": "topic", "mood": "mood", "flag": "flag", "status": "status", "error": "error",
    "language": "language", "customer": "customer", "attention": "attention", "scorecard": "scorecard",
    "silence": "silence", "talk": "talk",
    "text": "q",
}  # fmt: skip
"""Field of CallFilter to its name in the address; the others are asked for by commands only."""
SORTS: tuple[Sort, ...] = get_args(Sort)
"""The first is the usual one."""
LONGEST_VALUE = 400
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "mood": (*MOODS, NONE),
    "direction": (*DIRECTIONS, NONE),
    "status": tuple(CallStatus),
}


def filter_of(address: Mapping[str, str]) -> tuple[CallFilter, list[str]]:
    """The filter in an address, and what in it means nothing; that is left out. Empty values ask for nothing."""
    values: dict[str, object] = {}
    faults: list[str] = []
    for name, short in NAMES.items():
        given = address.get(short, "").strip()
        if not given:
            continue
        try:
            values[name] = _value(name, given)
        except ValueError as error:
            faults.append(f"{short}: {error}")
    first, last = values.get("first_day"), values.get("last_day")
    if isinstance(first, date) and isinstance(last, date) and first > last:
        faults.append(f"from {first} to {last}: the first day comes after the last one")
    return CallFilter(**values), faults  # type: ignore[arg-type]


def address_of(wanted: CallFilter) -> dict[str, str]:
    """The filter's part of an address, in a fixed order; what is not asked for is not in it."""
    address = {}
    for name, short in NAMES.items():
        value = getattr(wanted, name)
        if value is not None and value is not False:
            address[short] = _written(value)
    return address


def _written(value: object) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else "yes" if value is True else str(value)


def _value(name: str, given: str) -> object:
    """Raises ValueError, with a message for the reader."""
    if len(given) > LONGEST_VALUE or not storable(given):
        raise ValueError("this is too long, or no text")
    if name in ("first_day", "last_day"):
        try:
            return date.fromisoformat(given)
        except ValueError:
            raise ValueError(f"`{given}` is no day; write 2026-09-30") from None
    if name in ("silence", "talk"):
        return _percent(given)
    if name == "undated":
        return given == "yes"
    if name in _CHOICES and given not in _CHOICES[name]:
        raise ValueError(f"`{given}` is none of {', '.join(_CHOICES[name])}")
    return given


def _percent(given: str) -> tuple[int, int]:
    """Raises ValueError."""
    found = re.fullmatch(r"(\d{1,3})-(\d{1,3})", given, re.ASCII)
    if found is None or not int(found[1]) < int(found[2]) <= 100:
        raise ValueError(f"`{given}` is no range of percent; write 30-40")
    return int(found[1]), int(found[2])


def sort_of(address: Mapping[str, str]) -> tuple[Sort, list[str]]:
    """The order asked for, and what of it means nothing."""
    given = address.get("sort") or SORTS[0]
    for known in SORTS:
        if given == known:
            return known, []
    return SORTS[0], [f"sort: `{given}` is none of {', '.join(SORTS)}"]


def storable(text: str) -> bool:
    """Whether a database can hold the text, so that it may be looked for."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
