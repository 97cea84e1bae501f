"""Which of the calls: the filter that the list, the dashboard and an export share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from db.ask import answer, question
from pipeline.records import CallStatus

if TYPE_CHECKING:
    from psycopg.rows import BaseRowFactory

    from db.connection import Database

Row = TypeVar("Row")

NONE = "-"
"""As a wanted agent, queue, direction, topic or mood: calls that have none."""
CALLS = ("done", "transcribed", "failed", "quarantined")
"""Statuses of recordings that are calls; the others were skipped."""
RECORDINGS = tuple(CallStatus)
"""Every status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScope:
    """The calls that somebody may see: of any of these customer segments, and in any of these queues. None: all."""

    segments: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None

    @property
    def everything(self) -> bool:
        return self.segments is None and self.queues is None


EVERYTHING = RowScope()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Calls that fulfil all of it; None asks nothing."""

    first_day: date | None = None
    last_day: date | None = None
    """Included. Both are days of the reader's time zone."""
    since: datetime | None = None
    """Began then or later; where the start is not known, the file's time counts."""
    undated: bool = False
    """Only calls whose start is not known."""
    agent: str | None = None
    queue: str | None = None
    direction: str | None = None
    topic: str | None = None
    """`topic` or `topic > subtopic`."""
    mood: str | None = None
    """Of the customer, over the call: negative, neutral or positive."""
    language: str | None = None
    """ISO 639-1."""
    flag: str | None = None
    status: str | None = None
    """One of `calls.status`; None for everything but skipped files."""
    error: str | None = None
    """`calls.error_type`."""
    call_ids: tuple[UUID, ...] | None = None
    customer: str | None = None
    attention: str | None = None
    """Name of a rule that holds; `any` for any of them, `critical` for a critical one."""
    scorecard: str | None = None
    """Scorecard that judged them, by name; `name:passed` or `name:failed` with this result, `name:critical` with
    a no to a critical item."""
    silence: tuple[int, int] | None = None
    """Share of the call in which nobody speaks, in percent, from the first up to the second."""
    talk: tuple[int, int] | None = None
    """The same for the customer's share of the call."""
    text: str | None = None
    """Words that were all said in one stretch, as typed into a web search; a part of the file's name; or a call_id."""
    within: RowScope = EVERYTHING
    """What the one who asks may see at all; no part of an address."""


def ask_of_chosen(
    database: Database,
    name: str,
    rows: BaseRowFactory[Row],
    wanted: CallFilter,
    timezone: str,
    **parameters: object,
) -> list[Row]:
    """The answer to `sql/<name>.sql` about the calls that `wanted` chooses, which it reads from `chosen`.

    `timezone` (IANA) decides where days begin.
    """
    statement, given = about_chosen(name, wanted, timezone, **parameters)
    return answer(database, statement, rows, given)


def about_chosen(name: str, wanted: CallFilter, timezone: str, **parameters: object) -> tuple[bytes, dict[str, object]]:
    """The statement of `sql/<name>.sql` about the calls that `wanted` chooses, and its parameters."""
    given: dict[str, object] = {
        **{field: getattr(wanted, field) for field in _PLAIN},
        "call_ids": None if wanted.call_ids is None else list(wanted.call_ids),
        "seen_segments": _listed(wanted.within.segments),
        "seen_queues": _listed(wanted.within.queues),
        "text_as_id": _identity(wanted.text),
        "statuses": [wanted.status] if wanted.status else list(CALLS),
        "timezone": timezone,
        **_bounds("silence", wanted.silence),
        **_bounds("talk", wanted.talk),
        **parameters,
    }
    return question("reading/chosen") + question(name), given


def _identity(text: str | None) -> UUID | None:
    """The call whose identity the text is."""
    try:
        found = UUID(text or "")
    except ValueError:
        return None
    return found if str(found) == (text or "").lower() else None


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _bounds(name: str, percent: tuple[int, int] | None) -> dict[str, int | None]:
    low, high = percent or (None, None)
    return {f"{name}_from": low, f"{name}_to": high}


_PLAIN = (
    "first_day", "last_day", "since", "undated", "agent", "queue", "direction", "topic", "mood", "language", "flag",
    "error", "customer", "attention", "scorecard", "text",
)  # fmt: skip
