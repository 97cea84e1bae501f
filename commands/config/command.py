"""`run.py config show|diff` and `run.py init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.options import DEFAULT_CONFIG, ConfigOption, JsonOption, ModelOption, SetOption

app: typer.Typer = typer.Typer(no_args_is_help=True)


@app.command()
def show(
    key: Annotated[str | None, typer.Argument(help="A key or an area: run.order, transcription.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every setting, or those of KEY, and where each comes from: default, file and line, or --set."""
    from commands.config.show import show_settings

    sys.exit(show_settings(config, overrides or (), key, as_json))


@app.command()
def diff(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Show the settings that differ from the defaults."""
    from commands.config.show import show_differences

    sys.exit(show_differences(config, overrides or (), as_json))


def init(  # noqa: PLR0917 - typer calls it by name
    input_path: Annotated[
        str | None, typer.Option("--input", help="Folder, recording, .zip or s3://bucket/prefix.", metavar="PATH")
    ] = None,
    roles: Annotated[
        str | None, typer.Option("--roles", help="Who speaks on each channel, first channel first.", metavar="A,B")
    ] = None,
    names: Annotated[
        str | None,
        typer.Option("--names", help="What file names say: a recorder's name, or a pattern.", metavar="NAME|REGEX"),
    ] = None,
    model: ModelOption = None,
    to: Annotated[Path, typer.Option("--to", help="File to write.", metavar="FILE")] = DEFAULT_CONFIG,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Ask for recordings, roles, file names and model, and write a short configuration.

    What a flag says is not asked. Where nobody can be asked (no terminal), the defaults stand for the rest.
    """
    from commands.config.init import write_short_configuration

    given = {"input": input_path, "roles": roles, "names": names, "model": model}
    sys.exit(write_short_configuration(given, to, overwrite))
