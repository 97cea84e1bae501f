"""How well calls were handled, by scorecard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from db.queries.chosen import CallFilter
from db.queries.dashboard import ScorecardCount
from pages.dashboard.narrowing import narrowed_to
from pages.dashboard.shares import Share, share_of
from pages.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardRow:
    """A scorecard, with the calls behind each of its figures."""

    of: ScorecardCount
    address: str | None
    passed: Share
    passed_address: str | None
    failed_address: str | None
    critical_address: str | None


def scorecard_rows(counts: Sequence[ScorecardCount], wanted: CallFilter, site: Site) -> list[ScorecardRow]:
    """In the order of the counts."""
    return [
        ScorecardRow(
            of=one,
            address=_narrowed(wanted, site, one.scorecard),
            passed=share_of(one.passed, one.calls),
            passed_address=_narrowed(wanted, site, f"{one.scorecard}:passed"),
            failed_address=_narrowed(wanted, site, f"{one.scorecard}:failed"),
            critical_address=_narrowed(wanted, site, f"{one.scorecard}:critical"),
        )
        for one in counts
    ]


def _narrowed(wanted: CallFilter, site: Site, scorecard: str) -> str | None:
    """The calls with this result; None where another one is asked for: then the figure is that of a part of them."""
    if wanted.scorecard == scorecard.partition(":")[0]:
        return site.calls(wanted, scorecard=scorecard)
    return narrowed_to(wanted, site, scorecard=scorecard)
