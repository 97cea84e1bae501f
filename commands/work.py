"""`run.py work`: one more worker for the calls that runs have planned, on this machine or another."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from commands.exit_codes import ExitCode
from commands.permissions import let_read
from commands.run.command import check_writable, signals_stop
from commands.run.logs import log_to
from commands.run.tracing import TracedObserver
from commands.run.wiring import build_parts, open_claims, with_one_model
from commands.terminal import Terminal
from db.connection import connect
from db.ledger.store import PostgresStore
from pipeline.config.loader import export_env_file, load_settings
from pipeline.plurals import counted
from pipeline.run.joined import JoinedWorker
from pipeline.run.planning.recipes import build_recipe
from pipeline.run.signals import RunSignals
from pipeline.sources.addressed import AddressedSource
from pipeline.tracing.spans import Spans


def work_on_runs(config: Path, overrides: Sequence[str], *, stays: bool, first_within_s: float = 0) -> int:
    """Work on planned calls until none is left, or with `stays` until it is stopped; returns the exit code.

    `first_within_s`: how long to wait for a run that has calls to do.

    Raises ConfigurationError, StartupError, RunLocked.
    """
    loaded = load_settings(config, overrides)
    export_env_file(config.parent / ".env")
    settings = with_one_model(loaded.settings)
    let_read(settings.output.readable_by)
    check_writable(settings.run.spool_dir)
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    spans = Spans(settings.reporting.tracing)
    observer = TracedObserver(spans)
    log_to(observer.console, settings.output.directory / "logs", f"{stamp}_{os.getpid()}", settings.reporting)
    with spans, observer, connect(settings.database) as database:
        store = PostgresStore(database, allow_downgrade=settings.run.allow_downgrade)
        try:
            store.join_runs()
            claims = open_claims(settings, database)
            parts = build_parts(settings, store, claims, AddressedSource(settings.input))
            worker = JoinedWorker(settings.run, parts, observer, build_recipe(settings))
            observer.recorder = worker.recorder
            return _work(worker, stays, first_within_s)
        finally:
            store.close()


def _work(worker: JoinedWorker, stays: bool, first_within_s: float) -> ExitCode:
    worker.recorder.start()
    try:
        with signals_stop(worker.signals):
            left = worker.work(stays=stays, first_within_s=first_within_s)
    finally:
        worker.recorder.stop()
        worker.close()
    tally, console = worker.tally, Terminal()
    if not left and not stays:
        console.print("no run with these settings has calls to do (settings that change results must be the same)")
    else:
        console.print(f"{counted(tally.done, 'call')} done here, {tally.failed} failed, {tally.skipped} skipped")
    return _exit_code(worker.signals, tally.failed)


def _exit_code(signals: RunSignals, failed: int) -> ExitCode:
    if signals.stopping.is_set() and not signals.planned:
        return ExitCode.INTERRUPTED
    return ExitCode.CALLS_FAILED if failed else ExitCode.DONE
