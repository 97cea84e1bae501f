"""`run.py report`: the page of an earlier run, drawn again from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from commands.permissions import let_read
from commands.report.page import write_page
from commands.terminal import say
from db.existing import existing_ledger
from db.queries.runs import stored_report
from pipeline.config.loader import load_exported
from pipeline.errors import ConfigurationError


def write_report(config: Path, overrides: Sequence[str], run_id: str | None, output: Path | None) -> int:
    """Write the HTML of a run, the newest by default; returns the exit code.

    Raises ConfigurationError when there is no such run.
    """
    settings = load_exported(config, overrides).settings
    let_read(settings.output.readable_by)
    with existing_ledger(settings.database) as database:
        stored = stored_report(database, run_id)
    if stored is None:
        raise ConfigurationError(f"report: no run {run_id or 'has ended yet'}; run_ids are in the table runs")
    found_id, report = stored
    path = output or settings.output.directory / f"performance_report_{report.get('stamp') or found_id}.html"
    write_page(path, report)
    say(str(path))
    return 0
