"""Options that choose calls, the same for every command that lists, exports or searches them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from db.queries.chosen import CallFilter

_DAY = ["%Y-%m-%d"]

FirstDayOption = Annotated[
    datetime | None,
    typer.Option("--from", formats=_DAY, help="Calls of this day and later (input.timezone).", metavar="YYYY-MM-DD"),
]
LastDayOption = Annotated[
    datetime | None,
    typer.Option("--to", formats=_DAY, help="Calls of this day and earlier.", metavar="YYYY-MM-DD"),
]
AgentOption = Annotated[str | None, typer.Option("--agent", help="Calls of this agent; - for none.")]
QueueOption = Annotated[str | None, typer.Option("--queue", help="Calls of this queue; - for none.")]
DirectionOption = Annotated[str | None, typer.Option("--direction", help="inbound, outbound, internal; - for none.")]
TopicOption = Annotated[
    str | None, typer.Option("--topic", help="Calls about this topic, or `topic > subtopic`; - for none.")
]
MoodOption = Annotated[
    str | None, typer.Option("--mood", help="The client's: negative, neutral, positive; - for none.")
]
LanguageOption = Annotated[str | None, typer.Option("--language", help="ISO 639-1, such as en.")]
FlagOption = Annotated[str | None, typer.Option("--flag", help="Calls with this flag, such as truncated.")]

_CHOICES = {"direction": ("inbound", "outbound", "internal"), "mood": ("negative", "neutral", "positive")}


def call_filter(
    *,
    since: datetime | None = None,
    first_day: datetime | None = None,
    last_day: datetime | None = None,
    agent: str | None = None,
    queue: str | None = None,
    direction: str | None = None,
    topic: str | None = None,
    mood: str | None = None,
    language: str | None = None,
    flag: str | None = None,
    text: str | None = None,
    calls: Sequence[str] | None = None,
) -> CallFilter:
    """The filter these options ask for. Raises ConfigurationError for a value that no call can have."""
    from db.queries.chosen import NONE, CallFilter

    for name, value in (("direction", direction), ("mood", mood)):
        if value is not None and value not in (*_CHOICES[name], NONE):
            raise ConfigurationError(f"--{name} {value}: choices: {', '.join(_CHOICES[name])}, or {NONE} for none")
    if first_day is not None and last_day is not None and last_day < first_day:
        raise ConfigurationError(f"--to {last_day:%Y-%m-%d} lies before --from {first_day:%Y-%m-%d}")
    return CallFilter(
        since=since,
        first_day=None if first_day is None else first_day.date(),
        last_day=None if last_day is None else last_day.date(),
        agent=agent,
        queue=queue,
        direction=direction,
        topic=topic,
        mood=mood,
        language=language,
        flag=flag,
        text=text,
        call_ids=None if calls is None else tuple(map(call_id_of, calls)),
    )


def call_id_of(text: str) -> uuid.UUID:
    """Raises ConfigurationError for what is no call_id."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ConfigurationError(f"--call {text}: not a call_id; take one from the column call_id") from None
