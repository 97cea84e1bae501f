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
            of=count,
            address=_narrowed(wanted, site, count.scorecard),
            passed=share_of(count.passed, count.calls),
            passed_address=_narrowed(wanted, site, f"{count.scorecard}:passed"),
            failed_address=_narrowed(wanted, site, f"{count.scorecard}:failed"),
            critical_address=_narrowed(wanted, site, f"{count.scorecard}:critical"),
        )
        for count in counts
    ]


def _narrowed(wanted: CallFilter, site: Site, scorecard: str) -> str | None:
    """The calls with this result; None where another one is asked for: then the figure is that of a part of them."""
    if wanted.scorecard == scorecard.partition(":")[0]:
        return site.calls(wanted, scorecard=scorecard)
    return narrowed_to(wanted, site, scorecard=scorecard)
