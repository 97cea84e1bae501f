"""`run.py calls/`: recordings, folders, a .zip or a bucket where a sub-command could stand. Sub-commands win."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from commands.later import Commands, Later

_INPUT, _FURTHER = "--input", "--also"


class RunGroup(TyperGroup):
    """The first word that is not a sub-command is read as `--input`, further ones as `--also`."""

    later: ClassVar[Mapping[str, Later]] = {}
    """Sub-commands beside those that are put together."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        if self.later:
            self.commands = Commands(self.later)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """The list in `--help`, without putting any of them together."""
        if not self.later:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, later.summary) for name, later in self.later.items()])

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, self._with_input_as_option(ctx, args))

    def _with_input_as_option(self, ctx: typer.Context, args: list[str]) -> list[str]:
        given: str | None = None
        while True:
            values, rest, _ = self.make_parser(ctx).parse_args(args=list(args))
            if not rest:
                return args
            if rest[0] in self.commands:
                if given is not None:
                    ctx.fail(f"{given} comes before the sub-command {rest[0]}, which takes no input")
                return args
            given = rest[0]
            self._must_be_there(ctx, given)
            before = args[: len(args) - len(rest)]
            if before and before[-1] == "--":
                before.pop()
            option = _INPUT if values.get("input_path") is None else _FURTHER
            args = [*before, f"{option}={given}", *rest[1:]]

    def _must_be_there(self, ctx: typer.Context, given: str) -> None:
        if "://" in given or Path(given).expanduser().exists():
            return
        parent = Path(given).parent
        beside = [str(path) for path in parent.iterdir()] if parent.is_dir() else []
        close = difflib.get_close_matches(given, list(dict.fromkeys([*self.commands, *beside])), n=2)
        hint = f"; did you mean {' or '.join(close)}?" if close else f"; the commands are {', '.join(self.commands)}"
        ctx.fail(f"no such command, recording or folder '{given}'{hint}")


def refuse_lost_options(ctx: typer.Context) -> None:
    """Options before a sub-command would be ignored. Raises UsageError."""
    lost = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name is not None and _on_command_line(ctx, parameter.name)
    ]
    if lost:
        ctx.fail(
            f"{', '.join(lost)} before {ctx.invoked_subcommand} would be ignored; put it after the sub-command: "
            f"run.py {ctx.invoked_subcommand} … {lost[0]} …"
        )


def _on_command_line(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
