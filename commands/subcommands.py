"""The sub-commands, each a thin door to its own file, which is imported only when it is called."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands import database
from commands.app import DEFAULT_CONFIG, ConfigOption, SetOption, app

app.add_typer(database.app, name="db")


@app.command()
def status(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """How the run of the moment, or the last one, is going."""
    from commands.status import show_status

    sys.exit(show_status(config, overrides or (), as_json))
