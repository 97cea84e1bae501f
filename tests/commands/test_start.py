"""How little a look at the help loads: `--help` took 0.9 s, most of it for the models of the configuration, and later
0.4 s for rich and for the signatures of 43 commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import ClassVar

import pytest
import typer
from typer.testing import CliRunner

from commands.app import app
from commands.input_argument import RunGroup
from commands.later import Later
from commands.subcommands import SUBCOMMANDS
from tests.house import PROJECT

_HEAVY = (
    "yaml", "numpy", "psycopg", "pipeline.config.base", "pipeline.records", "fastapi", "uvicorn", "jinja2",
    "service", "pages", "rich", "pygments",
)  # fmt: skip
_LOADED = """
import sys
from commands.app import main
try:
    main()
finally:
    print("LOADED", *(name for name in {heavy} if name in sys.modules))
"""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("db", "--help"), ("search", "--help"), ("view", "--help")]
)
def test_help_loads_neither_configuration_nor_records(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", _LOADED.format(heavy=_HEAVY), *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_the_version_alone_needs_no_command_line_parser() -> None:
    loaded = _LOADED.format(heavy=(*_HEAVY, "typer", "pydantic")).replace("commands.app", "commands.entry")
    command = [sys.executable, "-c", loaded, "--version"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    shown, last = done.stdout.splitlines()
    assert (shown, last) == (CliRunner().invoke(app, ["--version"]).output.strip(), "LOADED")


def words(text: str) -> str:
    return " ".join(text.split())


def test_help_lists_every_subcommand_by_the_first_sentence_of_its_own_help() -> None:
    listed = words(CliRunner().invoke(app, ["--help"]).output)
    for name, later in SUBCOMMANDS.items():
        assert f" {name} {later.summary}" in listed
        assert f" {later.summary}" in words(CliRunner().invoke(app, [name, "--help"]).output)


def test_help_puts_no_subcommand_together() -> None:
    def refused(name: str) -> Later:
        def add(_app: typer.Typer) -> None:
            raise AssertionError(f"{name} was put together")

        return Later(f"What {name} does.", add)

    class Group(RunGroup):
        later: ClassVar[Mapping[str, Later]] = {name: refused(name) for name in ("work", "db")}

    small = typer.Typer(cls=Group, add_completion=False, rich_markup_mode=None)
    small.callback(invoke_without_command=True)(lambda: None)
    assert "work  What work does." in CliRunner().invoke(small, ["--help"]).output
