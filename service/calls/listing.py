"""Calls by a filter, page by page."""

from __future__ import annotations

import base64
import binascii
import math
import struct
import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from db.queries import listing
from db.queries.listing import Place, Sort
from pages.filters import SORTS
from service.access import What
from service.answers import Answer
from service.calls.answers import ListedCall
from service.calls.built import listed_answer
from service.calls.choosing import TextQuery, Truth, UpTo200, wanted
from service.context import Given
from service.problems.kinds import DATABASE_AWAY, INVALID
from service.problems.problem import Fault, Refused, responses
from service.readers import Reader

router = APIRouter(tags=["calls"])
_PLACE = struct.Struct(">Bdd16s")
"""Number of the order, what it orders by, call_id."""


class ListQuery(TextQuery):
    """A page of the list."""

    sort: Sort = "newest"
    """Calls of which the value is not known come last, equal ones in the order of their ids."""
    limit: UpTo200 = 50
    """Most calls of the page."""
    after: Annotated[str, Field(pattern="^[A-Za-z0-9_-]{44}$")] | None = None
    """`next` of the page before, with the same `sort`."""
    total: Truth = False
    """Also count all calls that the filter chooses, which looks at each of them."""


class Total(Answer):
    """All calls that a filter chooses."""

    calls: int
    duration_s: float
    """Together, of those whose length is known."""


class CallList(Answer):
    """A page of calls."""

    calls: tuple[ListedCall, ...]
    next: str | None
    """For `after`; null on the last page."""
    total: Total | None
    """Null unless asked for."""


@router.get("/calls", operation_id="listCalls", responses=responses(INVALID, DATABASE_AWAY))
def many_calls(query: Annotated[ListQuery, Query()], given: Given, reader: Reader) -> CallList:
    """Calls by a filter.

    Pages follow one another by `next` and `after`: a call that comes or goes meanwhile moves no other one.
    """
    chosen = wanted(query, reader)
    zone = given.site.timezone
    after = None if query.after is None else _place(query.after, query.sort)
    found = listing.listed_calls(given.database, chosen, zone, sort=query.sort, limit=query.limit + 1, after=after)
    shown = [reader.shown(call) for call in found[: query.limit]]
    given.audit.read(reader, What.API, [call.call_id for call in shown if call.summary is not None])
    counted = listing.total_of(given.database, chosen, zone) if query.total else None
    return CallList(
        calls=tuple(listed_answer(call, words=reader.reads_words) for call in shown),
        next=_written(shown[-1].place, query.sort) if len(found) > len(shown) else None,
        total=None if counted is None else Total(calls=counted.calls, duration_s=counted.duration_s),
    )


def _written(place: Place, sort: Sort) -> str:
    packed = _PLACE.pack(SORTS.index(sort), place.first_key, place.second_key, place.call_id.bytes)
    return base64.urlsafe_b64encode(packed).decode()


def _place(text: str, sort: Sort) -> Place:
    """Raises Refused for what is no place in a list of this order."""
    try:
        number, first, second, call = _PLACE.unpack(base64.urlsafe_b64decode(text))
    except (binascii.Error, struct.error):
        number, first, second, call = -1, 0.0, 0.0, bytes(16)
    if number != SORTS.index(sort) or math.isnan(first) or math.isnan(second):
        fault = Fault(where="query.after", what="is no `next` of a list with this `sort`")
        raise Refused(INVALID, "The list cannot go on there.", faults=[fault])
    return Place(first_key=first, second_key=second, call_id=uuid.UUID(bytes=call))
