"""Where something was said, over all calls."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from db.queries.listing import pieces_of
from db.queries.searching import LONGEST_QUERY, SearchHit, search
from pipeline.records import Role
from service.access import What
from service.answers import Answer, alike
from service.calls.choosing import NO_NUL, CallQuery, UpTo200, wanted
from service.context import Given
from service.problems.kinds import DATABASE_AWAY, INVALID
from service.problems.problem import responses
from service.readers import WordReader

router = APIRouter(tags=["calls"])


class SearchQuery(CallQuery):
    """Words, and the calls to look in."""

    q: str = Field(min_length=1, max_length=LONGEST_QUERY, pattern=NO_NUL, examples=['refund -"next week"'])
    """As typed into a web search: all words must occur in one stretch; "in quotes" a phrase, OR, -without. Words match
    by their stem in the language that is spoken. Any text is fine."""
    role: Role | None = None
    """Only what this side said."""
    limit: UpTo200 = 20
    """Most places."""


class Piece(Answer):
    """A part of a quote."""

    text: str
    matches: bool
    """Whether these are the words that were looked for."""


class Found(Answer):
    """A place where it was said."""

    call_id: uuid.UUID
    file_name: str
    started_at: datetime | None
    role: Role
    at_s: float
    """When the first word that matches is said; the start of the stretch where words have no times."""
    channel: int
    ordinal: int
    """The stretch, as in `turns`."""
    start_s: float
    end_s: float
    quote: str
    """The match with a little around it."""
    pieces: tuple[Piece, ...]
    """The same cut at the words that match."""
    rank: float
    """Higher is better; comparable within one answer."""


class SearchAnswer(Answer):
    """Places, the best first."""

    found: tuple[Found, ...]
    searched_instead: str | None
    """Where nobody said it: the likest words that somebody did say, which these places are for."""


@router.get("/search", operation_id="search", responses=responses(INVALID, DATABASE_AWAY))
def search_calls(query: Annotated[SearchQuery, Query()], given: Given, reader: WordReader) -> SearchAnswer:
    """Where something was said."""
    chosen, zone = wanted(query, reader), given.site.timezone

    def places(text: str) -> list[SearchHit]:
        return search(given.database, text, role=query.role, chosen=chosen, timezone=zone, limit=query.limit)

    hits = places(query.q)
    guess = None if hits else given.guess(query.q, reader)
    if guess is not None:
        hits = places(guess)
    given.audit.read(reader, What.SEARCH, [hit.call_id for hit in hits])
    return SearchAnswer(found=tuple(_found(hit) for hit in hits), searched_instead=guess)


def _found(hit: SearchHit) -> Found:
    pieces = tuple(Piece(text=text, matches=matches) for text, matches in pieces_of(hit.quote()))
    return Found(**alike(Found, hit) | {"quote": "".join(piece.text for piece in pieces), "pieces": pieces})
