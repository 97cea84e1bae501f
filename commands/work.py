"""`run.py work`: one more worker for the calls that runs have planned, on this machine or another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from commands.console import Terminal
from commands.exit_codes import ExitCode
from commands.run.command import signals_stop
from commands.run.joining import joined_worker
from commands.run.tracing import TracedObserver
from commands.run.wiring import with_one_model
from pipeline.config.loader import load_exported
from pipeline.plurals import counted
from pipeline.run.signals import RunSignals


def work_on_runs(config: Path, overrides: Sequence[str], *, stays: bool, first_within_s: float = 0) -> int:
    """Work on planned calls until none is left, or with `stays` until it is stopped; returns the exit code.

    `first_within_s`: how long to wait for a run that has calls to do.

    Raises ConfigurationError, StartupError, RunLocked.
    """
    loaded = load_exported(config, overrides)
    with joined_worker(with_one_model(loaded.settings), TracedObserver) as (worker, _), signals_stop(worker.signals):
        left = worker.work(stays=stays, first_within_s=first_within_s)
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
