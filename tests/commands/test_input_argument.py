"""`run.py calls/`: what the first word is taken for, and what a typo is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from commands.app import app as whole_app
from commands.input_argument import RunGroup, refuse_lost_options


def small_app() -> typer.Typer:
    app = typer.Typer(cls=RunGroup)

    @app.callback(invoke_without_command=True)
    def run(
        context: typer.Context,
        input_path: Annotated[str | None, typer.Option("--input")] = None,
        more: Annotated[list[str] | None, typer.Option("--also")] = None,
        limit: Annotated[int | None, typer.Option("--limit")] = None,
    ) -> None:
        if context.invoked_subcommand is not None:
            refuse_lost_options(context)
            return
        typer.echo(f"run {' and '.join([input_path, *(more or [])]) if input_path else None} {limit}")

    @app.command()
    def status(limit: Annotated[int | None, typer.Option("--limit")] = None) -> None:
        typer.echo(f"status {limit}")

    return app


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "calls").mkdir()
    (tmp_path / "status").mkdir()
    (tmp_path / "one.wav").touch()
    (tmp_path / "--odd").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "run None None"),
        (["calls"], "run calls None"),
        (["calls/", "--limit", "3"], "run calls/ 3"),
        (["--limit", "3", "one.wav"], "run one.wav 3"),
        (["s3://bucket/prefix"], "run s3://bucket/prefix None"),
        (["--input", "calls"], "run calls None"),
        (["calls", "one.wav"], "run calls and one.wav None"),
        (["--input", "calls", "one.wav", "--limit", "3"], "run calls and one.wav 3"),
        (["--input", "calls", "--input", "one.wav"], "run one.wav None"),
        (["calls", "--limit", "3", "one.wav", "status/"], "run calls and one.wav and status/ 3"),
        (["status"], "status None"),
        (["./status"], "run ./status None"),
        (["status", "--limit", "2"], "status 2"),
        (["--", "--odd"], "run --odd None"),
    ],
)
def test_the_first_word_is_a_command_or_the_input(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(small_app(), arguments)
    assert (result.exit_code, result.output.strip()) == (0, said)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["statsu"], ["no such command, recording or folder 'statsu'; did you mean status?"]),
        (["cals"], ["'cals'; did you mean calls?"]),
        (["nothing-like-it"], ["'nothing-like-it'; the commands are status"]),
        (["./cals/deeper"], ["no such command, recording or folder './cals/deeper'"]),
        (["calls", "on.wav"], ["no such command, recording or folder 'on.wav'; did you mean one.wav?"]),
        (["calls", "status"], ["calls comes before the sub-command status"]),
        (["--limit", "3", "status"], ["--limit before status would be ignored"]),
        (["calls", "--limti", "3"], ["No such option: --limti", "--limit"]),
    ],
)
def test_what_cannot_be_meant_ends_with_2_and_a_suggestion(arguments: list[str], parts: list[str]) -> None:
    result = CliRunner().invoke(small_app(), arguments, env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    shown = " ".join(result.output.replace("│", " ").split())
    assert [part for part in parts if part not in shown] == [], shown
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["evalute"], "evaluate"),
        (["confg", "show"], "config"),
        (["config", "shw"], "show"),
        (["db", "stauts"], "status"),
        (["train", "txt"], "text"),
        (["evaluate", "transcript"], "transcripts"),
        (["doctor", "--jsn"], "--json"),
    ],
)
def test_a_typo_in_any_sub_command_gets_a_suggestion(arguments: list[str], meant: str) -> None:
    result = CliRunner().invoke(whole_app, arguments)
    assert result.exit_code == 2
    assert meant in result.output


def test_version_is_what_the_project_file_says() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    result = CliRunner().invoke(whole_app, ["--version"])
    assert (result.exit_code, result.output.strip()) == (0, f"Earshot {project['version']}")
