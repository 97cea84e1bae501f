"""The sub-commands. Each only calls its own file, which is imported only when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.calls_filter import call_id_of, with_filter
from commands.later import Later, command, group
from commands.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SetOption
from pipeline.roles import Role

if TYPE_CHECKING:
    from db.queries.chosen import CallFilter


def work(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay, and work on the calls of later runs too.")] = False,
    first_within_min: Annotated[
        float,
        typer.Option("--first-within", min=0, metavar="MINUTES", help="Wait this long for a run that has calls to do."),
    ] = 0,
) -> None:
    """Help the runs in progress: work on calls they have planned. The settings must be the same as theirs."""
    from commands.work import work_on_runs

    sys.exit(work_on_runs(config, overrides or (), stays=wait, first_within_s=60 * first_within_min))


def status(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Show the progress of the current run, or of the last one."""
    from commands.status import show_status

    sys.exit(show_status(config, overrides or (), as_json))


@with_filter
def search(
    *,
    query: Annotated[str, typer.Argument(help='Words that must occur, in any form; "a phrase", OR, -without.')],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    role: Annotated[Role | None, typer.Option("--role", help="Only what this side said.")] = None,
    chosen: CallFilter,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most hits.")] = 20,
    as_json: JsonOption = False,
    opened: Annotated[
        int | None, typer.Option("--open", min=1, help="Open this hit in the browser, at its second.", metavar="NUMBER")
    ] = None,
) -> None:
    """Find who said it, in which call and when. Example: run.py search '"cancel my contract"' --role client --open 1"""
    from commands.search import show_hits

    sys.exit(show_hits(config, overrides or (), query, role, chosen, limit, as_json, opened))


@with_filter
def ask(
    *,
    question: Annotated[str | None, typer.Argument(help="What you want to know.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    chosen: CallFilter,
    index: Annotated[bool, typer.Option("--index", help="Make new and changed calls ready first.")] = False,
    model: Annotated[
        bool, typer.Option("--model/--no-model", help="Let the models of ask.providers write sentences.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Ask across all calls; the answer is what was said. Example: run.py ask "why do customers cancel?" --since
    2026-09-01"""
    from commands.ask.command import ask_calls
    from commands.ask.command import index as index_calls

    if question is None and not index:
        raise typer.BadParameter("ask something, or give --index", param_hint="QUESTION")
    if index:
        index_calls(config, overrides or (), quiet=as_json)
    if question is not None:
        sys.exit(ask_calls(config, overrides or (), question, chosen, as_json=as_json, model=model))


def view(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port; 8642 by default.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
) -> None:
    """Read and hear the calls in the browser: list, pages, dashboard. For this machine alone. Example: run.py view"""
    from commands.view import view as serve

    sys.exit(serve(config, overrides or (), port, browser))


def serve(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port; service.port by default.")] = None,
) -> None:
    """Accept calls over HTTP, process them, and let them be followed and read, until Ctrl-C. Example: run.py serve"""
    from commands.serve import serve as start

    sys.exit(start(config, overrides or (), port))


@with_filter
def export(
    *,
    to: Annotated[
        str,
        typer.Argument(
            help="File for a table or a workbook, folder for transcripts and pages; or s3://bucket/name.", metavar="TO"
        ),
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="csv, xlsx, parquet, jsonl, bigquery; html (a folder of pages); redacted_audio (numbers and names "
            "muted); txt, srt, vtt, json, pca_json, contact_lens_json. By default what the file's name ends in.",
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            help="results, calls (fifteen columns), turns, actions, attention, chunks, manifest (for training). "
            "By default results; in .xlsx a sheet each of calls, turns, actions and attention.",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--column", help="Only this column of the table; may be repeated.")
    ] = None,
    chosen: CallFilter,
    said: Annotated[str | None, typer.Option("--said", help="Calls in which these words were said.")] = None,
    call: Annotated[list[str] | None, typer.Option("--call", help="Only this call_id; may be repeated.")] = None,
    audio: Annotated[
        bool, typer.Option("--audio/--no-audio", help="With html: copy the recordings beside the pages.")
    ] = True,
) -> None:
    """Write calls to a table, a workbook or transcript files. Example: run.py export calls.xlsx --from 2026-09-01"""
    from commands.export import Wanted, export_calls

    chosen = replace(chosen, text=said, call_ids=None if call is None else tuple(map(call_id_of, call)))
    wanted = Wanted(
        to=to, formats=tuple(formats or ()), table=table, columns=tuple(columns or ()), calls=chosen, audio=audio
    )
    sys.exit(export_calls(config, overrides or (), wanted))


def doctor(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None, as_json: JsonOption = False) -> None:
    """Show what is installed and usable here, and why the rest is not; time a test call."""
    from commands.doctor.command import examine

    sys.exit(examine(config, overrides or (), as_json))


def performance_report(
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
    run_id: Annotated[str | None, typer.Option("--run", help="run_id; the newest run by default.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="HTML file to write.", metavar="FILE")] = None,
) -> None:
    """Write the performance report of a run as one HTML page, drawn again from the database."""
    from commands.report.command import write_report

    sys.exit(write_report(config, overrides or (), run_id, output))


def _init(app: typer.Typer) -> None:
    from commands.config.command import init

    app.command()(init)


def _train(app: typer.Typer) -> None:
    from commands.train.command import HELP, train

    app.command("train", help=HELP, no_args_is_help=True)(train)


SUBCOMMANDS: Mapping[str, Later] = {
    "work": command(work),
    "status": command(status),
    "search": command(search),
    "ask": command(ask),
    "view": command(view),
    "serve": command(serve),
    "export": command(export),
    "doctor": command(doctor),
    "report": command(performance_report, "report"),
    "init": Later("Ask for recordings, roles, file names and model, and write a short configuration.", _init),
    "train": Later("Train a model on your own labels.", _train),
    "config": group("commands.config.command", "config", "What the settings are, and where each comes from."),
    "db": group(
        "commands.database",
        "db",
        "The database: start, stop, status, url, shell, migrate, grant, serve, purge, dictionary.\n\n"
        'Example: psql "$(python run.py db url)" -c "select file_name, topic from calls"',
    ),
    "tokens": group(
        "commands.tokens.command",
        "tokens",
        "Tokens of the service (run.py serve): create, list, revoke, audit.\n\n"
        "Example: python run.py tokens create reporting --scope read_without_text --queue billing",
    ),
    "keys": group("commands.keys", "keys", "Keys of recordings that are encrypted where they lie."),
    "evaluate": group(
        "commands.evaluate.command",
        "evaluate",
        "How good the results are, measured against truth you have.\n\n"
        "Examples: run.py evaluate transcripts --truth samples/truth · run.py evaluate compare --systems a.yaml b.yaml"
        " --truth samples/truth · run.py evaluate sentiment --labels labels.csv",
    ),
}
"""By the name under which each is called, in the order of the help."""
