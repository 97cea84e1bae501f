"""Addresses of pages, on a server and in a folder."""

from __future__ import annotations

from db.queries.chosen import CallFilter
from pages.site import Site
from tests.pinned import assert_pinned

WANTED = CallFilter(agent="A 7", silence=(0, 10))
SITES = {
    "server": Site(),
    "folder": Site(root="../", written=True, files={"c-1": "2026-a"}),
}


def test_every_address() -> None:
    told = []
    for name, site in SITES.items():
        addresses = (
            site.asset("a.css"), site.dashboard(), site.dashboard(WANTED, agents="talk", agent=None), site.calls(),
            site.calls(WANTED, sort="oldest", page=2, mood="negative"), site.calls(None, sort=None), site.live(),
            site.live("s"), site.quality(), site.correct("c-1"), site.ask(), site.ask("why?"),
            site.ask("", WANTED, agent="B"), site.call("c-1"), site.call("c-1", 61.25), site.call("c-2"),
        )  # fmt: skip
        told += [f"{name}: {address}" for address in addresses]
    assert_pinned("addresses.txt", "\n".join(told))
