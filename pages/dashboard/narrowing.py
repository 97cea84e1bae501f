"""Addresses of the calls behind a figure."""

from __future__ import annotations

from datetime import date, timedelta

from db.queries.chosen import CallFilter
from pages.site import Site


def narrowed_to(wanted: CallFilter, site: Site, **change: object) -> str | None:
    """The list of those of the chosen calls that fulfil `change` as well; None where another value of the same kind is
    asked for already: an address holds one of each."""
    for name, value in change.items():
        asked = getattr(wanted, name)
        if asked not in (None, value, "any"):
            return None
    return site.calls(wanted, **change)


def days_within(first: date, following: date, wanted: CallFilter) -> dict[str, date]:
    """The days of a stretch, as far as they are chosen."""
    last = following - timedelta(days=1)
    return {
        "first_day": max(first, wanted.first_day) if wanted.first_day else first,
        "last_day": min(last, wanted.last_day) if wanted.last_day else last,
    }
