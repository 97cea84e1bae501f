"""Options that choose calls, the same for every command that lists, exports or searches them."""

from __future__ import annotations

import functools
import inspect
import itertools
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from db.queries.chosen import CallFilter

_DAY = ["%Y-%m-%d"]


def moment_of(text: str) -> datetime:
    """A day or a time as ISO 8601 writes it. Raises BadParameter."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}: give a day such as 2026-09-01, or a time such as 2026-09-01T08:00"
        ) from None


SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", parser=moment_of, help="Calls that began then or later.", metavar="YYYY-MM-DD[Thh:mm]"),
]
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
    str | None, typer.Option("--mood", help="The customer's: negative, neutral, positive; - for none.")
]
LanguageOption = Annotated[str | None, typer.Option("--language", help="ISO 639-1, such as en.")]
FlagOption = Annotated[str | None, typer.Option("--flag", help="Calls with this flag, such as truncated.")]

_CHOICES = {"direction": ("inbound", "outbound", "internal"), "mood": ("negative", "neutral", "positive")}


def with_filter(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose argument `chosen` is a CallFilter, made of the options of `call_filter` in its place."""
    taken = _parameters(call_filter)
    signature = inspect.signature(command)

    @functools.wraps(command)
    def made(**given: Any) -> None:
        chosen = call_filter(**{option.name: given.pop(option.name) for option in taken})
        command(**given, chosen=chosen)

    parameters = itertools.chain.from_iterable(taken if own.name == "chosen" else [own] for own in _parameters(command))
    made.__signature__ = signature.replace(parameters=list(parameters))  # type: ignore[attr-defined]
    made.__annotations__ = {}
    return made


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """By name alone, with their types and what typer is told of them."""
    hints = get_type_hints(function, localns={"CallFilter": object}, include_extras=True)
    return [
        own.replace(annotation=hints[own.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for own in inspect.signature(function).parameters.values()
    ]


def call_filter(
    *,
    since: SinceOption = None,
    first_day: FirstDayOption = None,
    last_day: LastDayOption = None,
    agent: AgentOption = None,
    queue: QueueOption = None,
    direction: DirectionOption = None,
    topic: TopicOption = None,
    mood: MoodOption = None,
    language: LanguageOption = None,
    flag: FlagOption = None,
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
    )


def call_id_of(text: str) -> uuid.UUID:
    """Raises ConfigurationError for what is no call_id."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ConfigurationError(f"--call {text}: not a call_id; take one from the column call_id") from None
