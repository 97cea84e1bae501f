"""Shares with their intervals, and calls by a share."""

from __future__ import annotations

from dataclasses import dataclass

from db.queries.chosen import CallFilter
from db.queries.dashboard import Dashboard
from pages.dashboard.narrowing import narrowed_to
from pages.site import Site
from pipeline.intervals import score_interval
from pipeline.plurals import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole, with the 95 % interval of the share; None for a whole of 0."""

    part: int
    whole: int
    low: float | None
    high: float | None

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenth:
    """Calls with a share in one tenth."""

    says: str
    address: str | None
    calls: int


def share_of(part: int, whole: int) -> Share:
    low, high = score_interval(part, whole) if whole else (None, None)
    return Share(part=part, whole=whole, low=low, high=high)


def shown_share(share: Share) -> str:
    """`3 of 12`, with the interval where few calls would mislead."""
    if not share.whole:
        return "no call has a mood"
    low, high = score_interval(share.part, share.whole)
    interval = f"{100 * low:.0f}–{100 * high:.0f}\N{NO-BREAK SPACE}%"
    return f"{share.part:,} of {counted(share.whole, 'call')}, {interval}"


def tenths_of(found: Dashboard, kind: str, wanted: CallFilter, site: Site) -> list[Tenth]:
    """All ten, unless nothing is measured."""
    calls = {tenth.tenth: tenth.calls for tenth in found.tenths if tenth.kind == kind}
    if not calls:
        return []
    return [
        Tenth(
            says=f"{tenth * 10} to {tenth * 10 + 10} %",
            address=narrowed_to(wanted, site, **{kind: (tenth * 10, tenth * 10 + 10)}),
            calls=calls.get(tenth, 0),
        )
        for tenth in range(10)
    ]
