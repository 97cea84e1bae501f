"""`run.py report`: the page of an earlier run, drawn again from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from commands.report.page import write_page
from commands.report.questions import stored_report
from db.queries.runs_and_calls import ledger_as_it_is
from pipeline.config.loader import export_env_file, load_settings
from pipeline.errors import ConfigurationError


def write_report(config: Path, overrides: Sequence[str], run_id: str | None, output: Path | None) -> int:
    """Write the HTML of a run, the newest by default; returns the exit code.

    Raises ConfigurationError when there is no such run.
    """
    settings = load_settings(config, overrides).settings
    export_env_file(config.parent / ".env")
    with ledger_as_it_is(settings.database) as database:
        if database is None:
            raise ConfigurationError(
                "report: no run yet, the database or its tables do not exist; start one with `python run.py`"
            )
        stored = stored_report(database, run_id)
    if stored is None:
        raise ConfigurationError(f"report: no run {run_id or 'has ended yet'}; run_ids stand in the table runs")
    found_id, report = stored
    path = output or settings.output.directory / f"performance_report_{report.get('stamp') or found_id}.html"
    write_page(path, report)
    typer.echo(str(path))
    return 0
