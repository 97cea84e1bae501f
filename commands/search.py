"""`run.py search`: who said it, in which call, when; and there at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from commands.console import Terminal, cell, table
from commands.terminal import say, say_json
from db.existing import existing_ledger
from db.queries.chosen import CallFilter
from db.queries.listing import pieces_of
from db.queries.searching import SearchHit, askable, search, second_guess
from pipeline.config.loader import load_settings
from pipeline.errors import ConfigurationError
from pipeline.plurals import counted
from pipeline.records import Role
from pipeline.roles import ROLE_NAMES


def show_hits(  # noqa: PLR0917 - the options of the command
    config: Path,
    overrides: Sequence[str],
    query: str,
    role: Role | None,
    chosen: CallFilter,
    limit: int,
    as_json: bool,
    opened: int | None,
) -> int:
    """Print the places where `query` was said, or what is like it; returns the exit code.

    `opened`: the number of a hit to open in the reading room, at its second.
    """
    if not askable(query):
        raise ConfigurationError("search: the query holds no word; search for something, such as: run.py search cancel")
    settings = load_settings(config, overrides).settings
    with existing_ledger(settings.database) as database:
        zone = settings.input.timezone
        hits = search(database, query, role=role, chosen=chosen, timezone=zone, limit=limit)
        guess = None if hits else second_guess(database, query)
        if guess is not None:
            hits = search(database, guess, role=role, chosen=chosen, timezone=zone, limit=limit)
    if as_json:
        say_json([_plain(hit, guess) for hit in hits])
        return 0
    if guess is not None:
        say(f"nobody said {query!r}; shown for {guess!r}")
    title = f"{counted(len(hits), 'hit')} for {guess or query!r}"
    shown = table(title, ("", "call", "began", "at", "who", "said"), folded=True)
    for number, hit in enumerate(hits, start=1):
        minutes, seconds = divmod(int(hit.at_s), 60)
        began = None if hit.started_at is None else f"{hit.started_at:%Y-%m-%d %H:%M}"
        moment = f"{minutes}:{seconds:02d}"
        shown.add_row(
            str(number), cell(hit.file_name), cell(began), moment, ROLE_NAMES[hit.role], _emphasised(hit.quote())
        )
    Terminal().print(shown)
    if opened is None:
        return 0
    if opened > len(hits):
        say(f"--open {opened}: there is no such hit")
        return 1
    return _open(config, overrides, hits[opened - 1])


_TOLD = (
    "call_id", "file_name", "source_uri", "started_at", "channel", "ordinal", "role", "start_s", "at_s", "text", "rank"
)  # fmt: skip


def _plain(hit: SearchHit, guess: str | None) -> dict[str, Any]:
    return {name: getattr(hit, name) for name in _TOLD} | {"searched_instead": guess}


def _emphasised(quote: str) -> Text:
    """The quote as one line, with the words that match in bold."""
    shown = Text()
    for text, matches in pieces_of(quote):
        shown.append_text(cell(text, "bold" if matches else ""))
    return shown


def _open(config: Path, overrides: Sequence[str], hit: SearchHit) -> int:
    """Open the call's page at the hit: in the reading room that is running, or in one started for it."""
    from commands.view import open_page, running_room, view

    page = f"calls/{hit.call_id}#at={hit.at_s:.1f}"
    room = running_room(f"calls/{hit.call_id}")
    if room is None:
        return view(config, overrides, None, browser=True, page=page)
    say(f"{room}{page}")
    open_page(f"{room}{page}")
    return 0
