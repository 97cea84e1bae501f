"""What the list of calls shows, what it can be filtered by, and how many calls it has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from db.queries.chosen import CallFilter, ask_of_chosen
from db.records import record_row
from pipeline.records import CallStatus, Role

if TYPE_CHECKING:
    from db.connection import Database

Sort = Literal["newest", "oldest", "attention", "unhappiest", "longest", "silence"]
LOOKED_AT = 2000
"""Calls of a list that are asked for a text one by one, for each page."""
_PAGE = 100
"""Longest page that is tried from these."""
MARK_BEGIN, MARK_END = "\ue000", "\ue001"
"""Around words of a quote that were looked for: characters that stand for nothing else."""


def pieces_of(quote: str) -> Iterator[tuple[str, bool]]:
    """A quote cut at its marks: text, and whether these are words that were looked for."""
    for number, part in enumerate(quote.split(MARK_BEGIN)):
        marked, closed, rest = part.partition(MARK_END) if number else ("", "", part)
        if number and not closed:
            marked, rest = part, ""
        yield from ((text, matches) for text, matches in ((marked, True), (rest, False)) if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A call's place in a list of one order: lists go on after it, whatever has come or gone meanwhile."""

    first_key: float
    """What the list is ordered by, so that it grows along the list; infinite where it is not known."""
    second_key: float
    call_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """A row of the list."""

    call_id: str
    file_name: str
    started_at: datetime | None
    duration_s: float | None
    agent_id: str | None
    queue: str | None
    direction: str | None
    topic: str | None
    subtopic: str | None
    mood: str | None
    """Of the customer, or of the only speaker where no side is known."""
    status: CallStatus
    error_type: str | None
    error_message: str | None
    flags: tuple[str, ...]
    summary: str | None
    silence_share: float | None
    client_talk_share: float | None
    missing_reasons: Mapping[str, str]
    customer: str | None
    attention_critical: bool | None
    attention: tuple[str, ...]
    """Titles of the rules that hold, the weightiest first."""
    rules: tuple[str, ...]
    """Their names."""
    scorecards: tuple[str, ...]
    """`name:passed` or `name:failed` for each scorecard with an item that applies; `name:critical` as well where a
    critical one is missed."""
    language: str | None
    first_key: float
    second_key: float
    said_role: Role | None
    said_at_s: float | None
    said_quote: str | None
    """The first stretch in which the text that was looked for was said."""

    @property
    def place(self) -> Place:
        return Place(first_key=self.first_key, second_key=self.second_key, call_id=uuid.UUID(self.call_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many, and how long together."""

    calls: int
    duration_s: float
    more: bool = False
    """Whether there are further ones, which were not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value to filter by."""

    kind: str
    """agent, queue, direction, topic, flag, attention or scorecard."""
    value: str
    says: str
    """The same for a person: the title of a rule or of a scorecard."""
    calls: int


def listed_calls(
    database: Database,
    wanted: CallFilter,
    timezone: str,
    *,
    sort: Sort = "newest",
    limit: int = 50,
    offset: int = 0,
    after: Place | None = None,
) -> list[ListedCall]:
    """A page of the list: from `offset` on, or after a place in it.

    Where a text is looked for, the first calls of the list are asked for it before all calls are: what many say fills
    the page from these, and of what few say there are few.
    """

    def page(chosen: CallFilter, **parameters: object) -> list[ListedCall]:
        return ask_of_chosen(
            database,
            "reading/list",
            record_row(ListedCall),
            chosen,
            timezone,
            sort=sort,
            limit=limit,
            quoted=wanted.text,
            after_first=after.first_key if after else None,
            after_second=after.second_key if after else None,
            after_id=after.call_id if after else None,
            **parameters,
        )

    if wanted.text is not None and limit <= _PAGE:
        looked_at = LOOKED_AT * (1 + offset // limit)
        found = page(replace(wanted, text=None), said=wanted.text, looked_at=looked_at, passed_over=0, offset=offset)
        if len(found) == limit:
            return found
    return page(wanted, said=None, looked_at=limit, passed_over=offset, offset=0)


def total_shown(database: Database, wanted: CallFilter, timezone: str, *, page: int, limit: int) -> Total:
    """How many calls `wanted` chooses; of what many say, only how many of the first calls have it (`Total.more`).

    Args:
        page: from 1, of `limit` calls each; with each more of the first calls are looked at.
    """
    if wanted.text is not None:
        (first,) = ask_of_chosen(
            database,
            "reading/count_first",
            record_row(Total),
            replace(wanted, text=None),
            timezone,
            said=wanted.text,
            looked_at=LOOKED_AT * page,
        )
        if not first.more or first.calls > limit * page:
            return first
    return total_of(database, wanted, timezone)


def total_of(database: Database, wanted: CallFilter, timezone: str) -> Total:
    """How many calls `wanted` chooses."""
    (total,) = ask_of_chosen(database, "reading/count", record_row(Total), wanted, timezone)
    return total


def choices_among(database: Database, wanted: CallFilter, timezone: str) -> list[Choice]:
    """Everything that these calls can be filtered by."""
    return ask_of_chosen(database, "reading/choices", record_row(Choice), wanted, timezone)
