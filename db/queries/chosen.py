"""Which of the calls: the filter that the list, the dashboard and an export share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from db.ask import answer, question

if TYPE_CHECKING:
    from psycopg.rows import BaseRowFactory

    from db.connection import Database

Row = TypeVar("Row")

NONE = "-"
"""As a wanted agent, queue, direction, topic or mood: calls that have none."""
CALLS = ("done", "transcribed", "failed", "quarantined")
"""Statuses of recordings that are calls; the others were skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Calls that fulfil all of it; None asks nothing."""

    first_day: date | None = None
    last_day: date | None = None
    """Included. Both are days of the reader's time zone."""
    undated: bool = False
    """Only calls whose start is not known."""
    agent: str | None = None
    queue: str | None = None
    direction: str | None = None
    topic: str | None = None
    """`topic` or `topic > subtopic`."""
    mood: str | None = None
    """Of the customer, over the call: negative, neutral or positive."""
    flag: str | None = None
    status: str | None = None
    """One of `calls.status`; None for everything but skipped files."""
    error: str | None = None
    """`calls.error_type`."""
    text: str | None = None
    """Words that were all said in one stretch, as typed into a web search; or part of the file's name; or a call_id."""


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
    given: dict[str, object] = {
        **{name: getattr(wanted, name) for name in _PLAIN},
        "statuses": [wanted.status] if wanted.status else list(CALLS),
        "timezone": timezone,
        **parameters,
    }
    return answer(database, question("reading/chosen") + question(name), rows, given)


_PLAIN = (
    "first_day", "last_day", "undated", "agent", "queue", "direction", "topic", "mood", "flag", "error", "text",
)  # fmt: skip
