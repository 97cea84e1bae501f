"""The figures at the top of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from db.queries.chosen import CallFilter
from db.queries.dashboard import Dashboard
from pages import numbers
from pages.dashboard.narrowing import narrowed_to
from pages.dashboard.shares import Share, shown_share
from pages.site import Site
from pipeline.plurals import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure at the top."""

    value: str
    says: str
    address: str | None
    note: str = ""


def judged(calls: int, partly: int) -> str:
    """Of how many calls attention is known; rules that ask for words were not judged in `partly` others."""
    in_part = f"{counted(partly, 'call')} in other languages only in part" if partly else ""
    if not calls:
        return in_part or "no rules were judged"
    return f"of {counted(calls, 'call')} judged" + (f"; {in_part}" if in_part else "")


def tiles_of(found: Dashboard, negative: Share, wanted: CallFilter, site: Site) -> list[Tile]:
    """The figures at the top."""
    totals = found.totals
    asked = wanted.attention or "any"
    mean_s = totals.duration_s / totals.measured if totals.measured else None
    return [
        Tile(value=numbers.number(totals.calls), says="call" if totals.calls == 1 else "calls",
             address=site.calls(wanted)),
        Tile(value=numbers.length(totals.duration_s), says="recorded", address=site.calls(wanted, sort="longest"),
             note=f"{numbers.length(mean_s)} on average" if mean_s is not None else ""),
        Tile(value=numbers.share(negative.value), says="unhappy customers",
             address=narrowed_to(wanted, site, mood="negative"), note=shown_share(negative)),
        Tile(value=numbers.number(totals.attention) if totals.judged or totals.partly_judged else numbers.UNKNOWN,
             says="needs attention" if totals.attention == 1 else "need attention",
             address=site.calls(wanted, attention=asked, sort="attention") if totals.attention else None,
             note=judged(totals.judged, totals.partly_judged)),
        Tile(value=numbers.share(totals.silence_share), says="silence", address=site.calls(wanted, sort="silence")),
        Tile(value=numbers.share(totals.agent_talk_share), says="agents talk", address=site.calls(wanted),
             note=f"customers {numbers.share(totals.client_talk_share)}"),
        Tile(value=numbers.number(totals.failed), says="failed",
             address="#failures" if totals.failed else None,
             note=f"{100 * totals.failed / totals.calls:.1f} % of all calls" if totals.failed
             else "no call failed"),
    ]  # fmt: skip
