"""`run.py evaluate`: transcripts against true text, sentiment against labels."""

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


@app.command()
def transcripts(
    truth: Annotated[Path, typer.Option("--truth", help="Folder of JSON files with true turns, named as the calls.")],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Word error rate per side, speech found against the true turns, roles and order of turns."""
    from commands.evaluate.transcripts import evaluate_transcripts

    sys.exit(evaluate_transcripts(config, overrides or (), truth, as_json))
