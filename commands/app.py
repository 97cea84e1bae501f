"""The sub-commands and their options. Each calls its own file, which is imported only when it is needed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from commands.exit_codes import ExitCode, exit_code_of
from commands.input_argument import RunGroup, refuse_lost_options
from commands.options import DEFAULT_CONFIG, ConfigOption, ModelOption, SetOption, as_overrides
from commands.subcommands import SUBCOMMANDS
from pipeline.errors import EarshotError, traceback_text


class _EarshotGroup(RunGroup):
    later = SUBCOMMANDS


app: typer.Typer = typer.Typer(
    name="run.py",
    cls=_EarshotGroup,
    subcommand_metavar="[INPUT | COMMAND [ARGS]...]",
    add_completion=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    rich_markup_mode=None,  # plain help: rich takes twice as long to load as all of the rest
    pretty_exceptions_enable=False,
)

_RUN_HELP = """Turn recorded calls into rows: transcripts per side, sentiment, topics, summaries, metrics.

Without a sub-command the calls of `input.path` are processed. A second run does only what is new or changed.

Examples:

\b
  python run.py                                        the calls config.yaml names
  python run.py calls/ --model small                   a folder, a recording, a .zip or s3://bucket/prefix
  python run.py /recordings --order oldest --max-hours 6
  python run.py 42-in.wav 42-out.wav other/               several inputs
  python run.py delivery.zip --save-mode csv --limit 10
  python run.py --dry-run                              what a run would do; writes nothing
  python run.py --set transcription.engines=sphinx --reprocess all

Exit codes: """ + " · ".join(f"{code.value} {code.meaning}" for code in ExitCode)


@app.callback(invoke_without_command=True, help=_RUN_HELP)
def run(  # noqa: PLR0917 - typer calls it by name
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    input_path: Annotated[
        str | None, typer.Option("--input", help="Folder, recording, .zip or s3://bucket/prefix.", metavar="PATH")
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--also", help="A further folder, recording or .zip; may be repeated.", metavar="PATH"),
    ] = None,
    model: ModelOption = None,
    output: Annotated[Path | None, typer.Option("--output", help="Folder for results.", metavar="DIR")] = None,
    save_mode: Annotated[
        str | None, typer.Option("--save-mode", help="Where results go.", metavar="database|csv|both")
    ] = None,
    performance_report: Annotated[
        bool, typer.Option("--performance-report", help="Also write the performance report as HTML.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and estimate; write nothing.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", help="At most this many calls.", metavar="N")] = None,
    max_hours: Annotated[
        float | None, typer.Option("--max-hours", help="Start no call after this many hours.", metavar="H")
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", help="Which calls come first.", metavar="newest|oldest|shuffle")
    ] = None,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Short for --order shuffle.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of the shuffle.", metavar="N")] = None,
    reprocess: Annotated[
        str | None, typer.Option("--reprocess", help="Which calls are redone.", metavar="none|failed|analysis|all")
    ] = None,
    overrides: SetOption = None,
) -> None:
    if version:
        from commands.version import show_version

        show_version()
        return
    if context.invoked_subcommand is not None:
        refuse_lost_options(context)
        return
    flags: dict[str, object] = {
        "input.path": input_path,
        "input.more": more or (None if input_path is None else []),
        "output.directory": output,
        "output.save_mode": save_mode,
        "output.performance_report": performance_report or None,
        "run.limit": limit,
        "run.max_hours": max_hours,
        "run.order": "shuffle" if shuffle else order,
        "run.seed": seed,
        "run.reprocess": reprocess,
    }
    if model is not None:
        from pipeline.config.model_choice import settings_of_model

        flags |= settings_of_model(model)
    from commands.run.command import run_calls

    sys.exit(run_calls(config, [*as_overrides(flags), *(overrides or [])], dry_run=dry_run))


def main() -> None:
    """Run, and turn our errors into one readable message and DESIGN's exit codes. SIGTERM behaves as SIGINT."""
    from commands.permissions import keep_private
    from commands.terminal import complain, never_fail_on_characters, show_misuse

    keep_private()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    never_fail_on_characters()
    try:
        sys.exit(app(standalone_mode=False))
    except (EarshotError, KeyboardInterrupt) as error:
        sys.exit(report(error))
    except typer.Abort:
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - told without secrets and without anybody's words
        if not hasattr(error, "format_message"):  # typer shows no class for its errors of usage
            complain(traceback_text(error))
            sys.exit(ExitCode.CALLS_FAILED)
        show_misuse(error)
        sys.exit(ExitCode.CONFIGURATION)


def report(error: BaseException) -> int:
    """Print the error for a person; returns the exit code."""
    from commands.terminal import complain

    complain("interrupted" if isinstance(error, KeyboardInterrupt) else f"error: {error}")
    return exit_code_of(error)
