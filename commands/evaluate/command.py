"""`run.py evaluate`: transcripts against true text, recognisers against each other, sentiment against labels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.evaluate import sentiment
from commands.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SetOption

app: typer.Typer = typer.Typer(
    no_args_is_help=True,
    help="How good the results are, measured against truth you have.\n\n"
    "Examples: run.py evaluate transcripts --truth samples/truth · run.py evaluate sentiment --labels labels.csv",
)
app.command("sentiment")(sentiment.sentiment_command)

TruthOption = Annotated[
    Path,
    typer.Option(
        "--truth",
        help="Folder with what is said: a JSON or STM file per call, named as its recording, or refs.json.",
        metavar="PATH",
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(
        "--language", help="ISO 639-1 code for calls whose truth names none; otherwise what was heard.", metavar="CODE"
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of the intervals' draws of calls.", metavar="N")]

_TRANSCRIPTS_HELP = """Stored transcripts against the truth: errors in words and characters, speech, roles, turns.

Every figure over all calls has a 95 % interval (bootstrap over calls). docs/evaluation.md explains each of them, the
forms of truth, and how texts are normalised.

[bold]Examples[/bold]

  python run.py evaluate transcripts --truth samples/truth

  python run.py evaluate transcripts --truth truth/ --config night.yaml --json > figures.json

  python run.py evaluate transcripts --truth refs.json --language fr
"""


@app.command(help=_TRANSCRIPTS_HELP)
def transcripts(  # noqa: PLR0917 - typer calls it by name
    truth: TruthOption,
    language: LanguageOption = None,
    seed: SeedOption = 0,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    from commands.evaluate.transcripts import evaluate_transcripts

    sys.exit(evaluate_transcripts(config, overrides or (), truth, language=language, seed=seed, as_json=as_json))
