"""`run.py evaluate`: transcripts against true text, recognisers against each other, sentiment against labels."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from commands.evaluate import sentiment
from commands.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SetOption

app: typer.Typer = typer.Typer(no_args_is_help=True)
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

Examples:

\b
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


_COMPARE_HELP = """Two or more recognisers on the same calls, and a report to decide on (Markdown, HTML, JSON).

A system is a configuration file, or plain-faster-whisper: the Whisper weights of the first configuration with nothing \
of ours around them. The others are compared with the first system named.

Transcripts that a run or an earlier comparison has made are used again, and no database is written. An interrupted \
comparison goes on where it stopped. docs/evaluation.md says how to read the figures.

Examples:

\b
  python run.py evaluate compare --systems today.yaml tomorrow.yaml --truth truth/
  python run.py evaluate compare --systems plain-faster-whisper config.yaml --truth samples/truth
  python run.py evaluate compare --systems a.yaml b.yaml c.yaml --truth clips/refs.json --json

Exit codes: 0 compared · 1 some call failed · 2 the command line is wrong · 3 it could not start \
· 130 interrupted
"""


@app.command(help=_COMPARE_HELP)
def compare(  # noqa: PLR0917 - typer calls it by name
    systems: Annotated[
        list[str],
        typer.Option("--systems", help="Configuration files, or plain-faster-whisper; two or more.", metavar="A B ..."),
    ],
    truth: TruthOption,
    more: Annotated[list[str] | None, typer.Argument(metavar="SYSTEM", hidden=True, show_default=False)] = None,
    input_path: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="Recordings; by default those beside the truth, else the first configuration's input.path.",
            metavar="PATH",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder for the report and the transcripts.", metavar="DIR")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make every transcript again, to time all of them.")] = False,
    language: LanguageOption = None,
    seed: SeedOption = 0,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    from commands.evaluate.comparison.command import compare_systems

    sys.exit(
        compare_systems(
            (*systems, *(more or ())),
            config,
            overrides or (),
            truth,
            input_path=input_path,
            output=output,
            language=language,
            seed=seed,
            fresh=fresh,
            as_json=as_json,
        )
    )


LanguageLabelsOption = Annotated[
    Path,
    typer.Option(
        "--labels",
        help="Folder with a JSON file per call: turns, and labels as in samples/truth.",
        metavar="DIR",
    ),
]
SaveOption = Annotated[
    Path | None,
    typer.Option("--save", help="File for the figures, to be named in topics.measured or summary.measured."),
]

_TOPICS_HELP = """Keywords, the trained model and each language model side by side on calls with a known topic.

docs/language-models.md explains the figures. A file written by --save and named in topics.measured is what
topics.method auto goes by.

Examples:

\b
  python run.py evaluate topics --labels samples/truth
  python run.py evaluate topics --labels labels/ --config bedrock.yaml --save data/topics.json
"""


_SUMMARIES_HELP = """The call's own sentences and each language model side by side on calls with a known outcome.

docs/language-models.md explains the figures. A file written by --save and named in summary.measured is what
summary.method auto goes by.

Examples:

\b
  python run.py evaluate summaries --labels samples/truth
  python run.py evaluate summaries --labels labels/ --config bedrock.yaml --save data/summaries.json
"""


def _of_step(step: str) -> Callable[..., None]:
    def command(
        labels: LanguageLabelsOption,
        save: SaveOption = None,
        config: ConfigOption = DEFAULT_CONFIG,
        overrides: SetOption = None,
        as_json: JsonOption = False,
    ) -> None:
        from commands.evaluate.language import evaluate_language

        sys.exit(evaluate_language(step, config, overrides or (), labels, save=save, as_json=as_json))

    return command


app.command("topics", help=_TOPICS_HELP)(_of_step("topic"))
app.command("summaries", help=_SUMMARIES_HELP)(_of_step("summary"))


_SCORECARD_HELP = """Scorecards by people: a sheet of calls to score, and how far the scorecard agrees with it.

`--sheet` draws calls and writes a sheet with the questions and no answers. People listen and write yes, no or n/a. \
`--read` compares a filled sheet with the stored answers; two sheets of the same calls are compared with each other as \
well. Agreement is Cohen's kappa (1960) with a 95 % interval over calls: 0 is chance, 1 is perfect.

Examples:

\b
  python run.py evaluate scorecard --sheet to_score.xlsx --calls 30
  python run.py evaluate scorecard --read scored.xlsx
  python run.py evaluate scorecard --read by_ann.csv --read by_bob.csv --json
"""


@app.command(help=_SCORECARD_HELP)
def scorecard(  # noqa: PLR0917 - typer calls it by name
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Sheet to write: .xlsx or .csv.", metavar="FILE")
    ] = None,
    read: Annotated[
        list[Path] | None, typer.Option("--read", help="Filled sheet; once or twice.", metavar="FILE")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--scorecard", help="Which one; not needed where there is one.", metavar="NAME")
    ] = None,
    calls: Annotated[int, typer.Option("--calls", help="Calls on the sheet.", metavar="N", min=1)] = 20,
    seed: SeedOption = 0,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    from commands.evaluate.scorecards import compare_sheets, write_sheet
    from pipeline.config.loader import load_settings
    from pipeline.errors import ConfigurationError

    if (sheet is None) == (not read) or len(read or ()) > 2:
        raise ConfigurationError("evaluate scorecard: give either --sheet FILE, or --read FILE once or twice")
    settings = load_settings(config, overrides or ()).settings
    if sheet is not None:
        sys.exit(write_sheet(settings, sheet, scorecard=name, calls=calls, seed=seed))
    sys.exit(compare_sheets(settings, read or (), seed=seed, as_json=as_json))


_WATCH_HELP = """Calls that people have corrected: word error rates of all, by engine, model and agent, over time.

A run draws `watch.calls_per_night` calls for a sheet in the output folder; `run.py view` has the same calls under \
Quality. This command takes in filled sheets, compares the transcripts with the corrections, keeps the figures of \
each night, and ends with 5 where `watch.alarm_wer` is surely exceeded. docs/quality-watch.md says more.

Examples:

\b
  python run.py evaluate watch
  python run.py evaluate watch --read output/quality_watch_20261126_230000.xlsx
  python run.py evaluate watch --draw --set watch.calls_per_night=10
  python run.py evaluate watch --sheet to_correct.csv

Exit codes: 0 told · 2 the command line or a sheet is wrong · 3 no database · 5 alarm, or a correction \
that could not be kept
"""


@app.command(help=_WATCH_HELP)
def watch(  # noqa: PLR0917 - typer calls it by name
    read: Annotated[
        list[Path] | None, typer.Option("--read", help="Filled sheet; may be given again.", metavar="FILE")
    ] = None,
    draw: Annotated[bool, typer.Option("--draw", help="Draw today's sample now, and write its sheet.")] = False,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="Write all drawn calls that nobody has corrected: .xlsx or .csv.", metavar="FILE"),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    from commands.evaluate.watch.command import watch_transcripts
    from pipeline.errors import ConfigurationError

    if read and (draw or sheet is not None):
        raise ConfigurationError("evaluate watch: --read goes alone; --draw and --sheet hand calls out")
    sys.exit(watch_transcripts(config, overrides or (), read=read or (), draw=draw, sheet=sheet, as_json=as_json))
