"""Where pages are, seen from one another: on the server, or in a folder that was written to disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from db.queries.chosen import CallFilter
from pages.filters import address_of

VIEWS = ("sort", "page", "agents")
"""Parts of an address that change how calls are shown, and not which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Addresses of pages and their parts, and the time zone in which they are read."""

    timezone: str = "UTC"
    """IANA."""
    alone: bool = False
    """Whether this page is all there is for its reader: that of one call in a folder, or the login."""
    root: str = "/"
    """In front of everything: `/` on the server, `` or `../` in a folder."""
    written: bool = False
    """Whether the pages are files that no server answers for."""
    hears: bool = False
    """Whether the server takes calls while they are held."""
    corrects: bool = False
    """Whether the reader may correct calls, and see the quality watch."""
    reader: str | None = None
    """Who has logged in; None where nobody needs to."""
    files: Mapping[str, str] = field(default_factory=dict)
    """In a folder: call_id to the name of its files, without their ending."""

    def asset(self, name: str) -> str:
        return f"{self.root}assets/{name}"

    def dashboard(self, wanted: CallFilter | None = None, **changes: object) -> str:
        """The dashboard of the calls chosen by `wanted`, with `changes` to it."""
        return (f"{self.root}index.html" if self.written else self.root) + _query(wanted, changes)

    def calls(self, wanted: CallFilter | None = None, **changes: object) -> str:
        """The list of the calls chosen by `wanted`, with `changes` to it; those of VIEWS may be among them."""
        return f"{self.root}calls{'.html' if self.written else ''}" + _query(wanted, changes)

    def live(self, session: str | None = None) -> str:
        """The page of a live call, or the list of them; on a server alone."""
        return f"{self.root}live" if session is None else f"{self.root}live/{session}"

    def quality(self) -> str:
        """The page of the quality watch, which only a server has."""
        return f"{self.root}quality"

    def correct(self, call_id: str) -> str:
        """The page on which a call is corrected, which only a server has."""
        return f"{self.root}calls/{call_id}/correct"

    def ask(self, question: str = "", wanted: CallFilter | None = None, **changes: object) -> str:
        """The page of questions across the calls chosen by `wanted`, with `changes` to it. Only a server has it."""
        pairs = ({"question": question} if question else {}) | address_of(
            replace(wanted or CallFilter(), **changes)  # type: ignore[arg-type]
        )
        return f"{self.root}ask" + (f"?{urlencode(pairs)}" if pairs else "")

    def call(self, call_id: str, at_s: float | None = None) -> str | None:
        """The page of a call, at a moment of it; None where a folder has none."""
        moment = "" if at_s is None else f"#at={at_s:.1f}"
        if not self.written:
            return f"{self.root}calls/{call_id}{moment}"
        name = self.files.get(call_id)
        return None if name is None else f"{self.root}calls/{name}.html{moment}"


def _query(wanted: CallFilter | None, changes: Mapping[str, object]) -> str:
    further = {name: str(value) for name, value in changes.items() if name in VIEWS and value is not None}
    new = {name: value for name, value in changes.items() if name not in VIEWS}
    pairs = address_of(replace(wanted or CallFilter(), **new)) | further  # type: ignore[arg-type]
    return f"?{urlencode(pairs)}" if pairs else ""
