"""What all routes are given: the database, the settings, and what is made once for all requests."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

from db.erasure import OneErased
from db.queries.chosen import RowScope
from db.queries.listing import Choice
from db.queries.reading import ShownCall, shown_call
from db.queries.searching import second_guess
from pages.site import Site
from pages.sound import Quiet
from pipeline.listening.room import ListeningRoom
from service.access import LOCAL, Audit, Principal, Scope
from service.asking import AskingRoom
from service.exports import Exports
from service.followers import Followers
from service.kept import KeptBy

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

Erase = Callable[[uuid.UUID, bool], OneErased | None]
"""Erases a call, and its recording where that is wanted; None where there is no such call. Raises RunLocked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """Made once, by `service.app`."""

    database: Database
    settings: Settings
    listening: ListeningRoom
    quiet: Quiet
    asking: AskingRoom
    choices: KeptBy[RowScope, list[Choice]]
    """What the calls that somebody may see can be filtered by: of a minute ago, and of ten minutes ago at most for the
    first who asks after a while. The next page has the new ones."""
    audit: Audit
    """Who read which call."""
    exports: Exports
    followers: Followers
    erase: Erase | None = None
    """None where nothing can be erased."""
    hears: bool = False
    """Whether calls are taken while they are held."""

    def choices_for(self, reader: Principal) -> list[Choice]:
        return self.choices.get(reader.rows)

    def guess(self, words: str | None, reader: Principal) -> str | None:
        """What may have been meant by words that nobody said; None without a likely one, and for whoever sees a part of
        the calls: what they may not see must not be guessed from."""
        return second_guess(self.database, words) if words is not None and reader.rows.everything else None

    def call(self, call_id: str, reader: Principal) -> ShownCall:
        """One of the calls that the reader may see. Raises HTTPException (404)."""
        try:
            found = shown_call(self.database, uuid.UUID(call_id), reader.rows)
        except ValueError:
            found = None
        if found is None:
            raise HTTPException(404)
        return found

    @property
    def site(self) -> Site:
        """Pages on this server, read in the time zone of the recordings."""
        return Site(timezone=self.settings.input.timezone, hears=self.hears)

    def site_of(self, reader: Principal) -> Site:
        """The same for somebody who has come in, with what they may do."""
        name = None if reader.credential == LOCAL.credential else reader.name
        return replace(self.site, reader=name, corrects=reader.may(Scope.ADMIN))


def context_of(connection: HTTPConnection) -> ServiceContext:
    """What routes depend on; `Given` in their signatures."""
    return cast(ServiceContext, connection.app.state.context)


Given = Annotated[ServiceContext, Depends(context_of)]
"""For a route's signature."""
