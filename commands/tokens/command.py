"""`run.py tokens`: make, list and revoke tokens of the service, and show who read which call."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated

import typer

from commands.calls_filter import moment_of
from commands.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SetOption
from db.access.scopes import Scope

app: typer.Typer = typer.Typer(no_args_is_help=True)
USUAL_DAYS = 365


@app.command()
def create(  # noqa: PLR0917 - typer calls it by name
    name: Annotated[str, typer.Argument(help="Who or what uses it.")],
    scopes: Annotated[
        list[Scope],
        typer.Option("--scope", help="What it may do; may be repeated. admin is everything."),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    segments: Annotated[
        list[str] | None,
        typer.Option("--segment", help="Only calls of this customer segment (b2b, b2c); may be repeated."),
    ] = None,
    queues: Annotated[
        list[str] | None, typer.Option("--queue", help="Only calls of this queue; may be repeated.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=36_500, help="Days until it expires.")] = USUAL_DAYS,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="It does not expire.")] = False,
    note: Annotated[str, typer.Option("--note", help="What it is for.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a token. It is shown only once."""
    from commands.tokens.making import Wish, make

    wish = Wish(
        name=name,
        scopes=tuple(dict.fromkeys(scopes)),
        segments=None if not segments else tuple(segments),
        queues=None if not queues else tuple(queues),
        days=None if for_ever else days,
        note=note,
    )
    sys.exit(make(config, overrides or (), wish, as_json))


@app.command("list")
def list_tokens(
    config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None, as_json: JsonOption = False
) -> None:
    """Show all tokens: what they may do, until when, and when they were used last."""
    from commands.tokens.showing import show_tokens

    sys.exit(show_tokens(config, overrides or (), as_json))


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name or id of the token.")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Revoke a token at once, and the logins made with it."""
    from commands.tokens.making import end

    sys.exit(end(config, overrides or (), name))


SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", parser=moment_of, help="Only from then on.", metavar="YYYY-MM-DD[Thh:mm]"),
]


@app.command()
def audit(  # noqa: PLR0917 - typer calls it by name
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    call: Annotated[str | None, typer.Option("--call", help="Only this call_id.")] = None,
    reader: Annotated[str | None, typer.Option("--reader", help="Only this name.")] = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows, newest first.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Show who read or heard which call through the service."""
    from commands.tokens.showing import show_reads

    sys.exit(show_reads(config, overrides or (), as_json, call=call, reader=reader, since=since, limit=limit))
