"""The main job: plan, process, deliver, report."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from commands.console import Terminal
from commands.exit_codes import ExitCode, exit_code_of
from commands.permissions import check_writable, let_read
from commands.purge.retention import erase_old_calls
from commands.report.attention import InputLimits
from commands.run.afterwards import ending
from commands.run.delivery import Delivery
from commands.run.ending import Ending
from commands.run.executors import executor_of
from commands.run.listing import Listing, close_source, listed_whole, offered, settle
from commands.run.logs import ON_FILE_ONLY, free_stamp, log_to, this_run
from commands.run.observer import ConsoleObserver
from commands.run.questions import index_for_questions
from commands.run.stale import stale_notice
from commands.run.summary import print_summary
from commands.run.tracing import export_traces
from commands.run.wiring import build_parts, open_claims, with_one_model
from db.connection import Database, connect
from db.ledger.privacy import drop_superseded_text
from db.ledger.store import PostgresStore
from db.queries.runs import run_speeds
from db.tables import emptied_tables
from pipeline.config.loader import LoadedSettings, load_exported
from pipeline.config.root import Settings
from pipeline.errors import EarshotError, RunInterrupted, UnforeseenError, told
from pipeline.plurals import counted
from pipeline.run.batch import Batch, BatchResult
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.plan import Plan
from pipeline.run.planning.recipes import build_recipe
from pipeline.run.signals import RunSignals
from pipeline.sources.source import CallSource, places

log = logging.getLogger("earshot.run")


SHOWN_FAULTS = 20


@dataclass(frozen=True, slots=True)
class RunFrame:
    """What is fixed before a run begins."""

    loaded: LoadedSettings
    stamp: str
    """UTC `YYYYMMDD_HHMMSS`, in the names of all files of the run."""
    output: Path
    console: Terminal
    overrides: Sequence[str]
    """As given on the command line."""
    log_file: Path


def run_calls(config: Path, overrides: Sequence[str], dry_run: bool = False) -> int:
    """Process the calls the configuration names; returns the exit code.

    Raises ConfigurationError, StartupError or RunLocked before anything was begun.
    """
    loaded = load_exported(config, overrides)
    let_read(loaded.settings.output.readable_by)
    if dry_run:
        from commands.run.dry_run import show_plan

        return show_plan(loaded)
    with ending(loaded.settings.reporting) as end:
        end.exit_code = _run(loaded, overrides, end)
    return end.exit_code


def _run(loaded: LoadedSettings, overrides: Sequence[str], end: Ending) -> ExitCode:
    output = loaded.settings.output.directory
    check_writable(output)
    stamp = free_stamp(output / "logs", datetime.now(UTC))
    check_writable(loaded.settings.run.spool_dir)
    observer = ConsoleObserver()
    log_file = log_to(observer.console, output / "logs", stamp, loaded.settings.reporting)
    frame = RunFrame(loaded, stamp, output, Terminal(), overrides, log_file)
    with observer, connect(loaded.settings.database) as database:
        for lost in emptied_tables(database):
            log.error("%s", lost)
        store = PostgresStore(database, allow_downgrade=loaded.settings.run.allow_downgrade)
        try:
            return _run_with(frame, database, store, observer, end)
        finally:
            store.close()


def _run_with(
    frame: RunFrame, database: Database, store: PostgresStore, observer: ConsoleObserver, end: Ending
) -> ExitCode:
    settings = frame.loaded.settings
    host, inputs = socket.gethostname(), places(settings.input)
    run_id = store.begin_run(frame.loaded.content, frame.loaded.content_hash, host, inputs)
    this_run(run_id)
    end.run_id = run_id
    recorder = PerformanceRecorder(settings.reporting.report.sample_interval_s)
    batch: Batch | None = None
    source: CallSource | None = None
    exit_code, counts = ExitCode.NOT_STARTED, dict[str, int]()
    report: dict[str, object] = {}
    try:
        settings = with_one_model(settings)
        listing, source = offered(settings, database)
        parts = build_parts(settings, store, open_claims(settings, database), source)
        batch = Batch(settings.run, parts, observer, build_recipe(settings), recorder, executor=executor_of(settings))
        recorder.start()
        with signals_stop(batch.signals):
            plan = _planned(batch, listing, settings, database, observer)
            result = batch.work(plan, run_id)
        recorder.stop()
        settle(settings, database, listing, source, result)
        if settings.redaction.redact_stored:
            drop_superseded_text(database, run_id)
        delivered = Delivery(
            settings=settings.output,
            everything=settings,
            stamp=frame.stamp,
            run_id=run_id,
            database=database,
            store=store,
            limits=InputLimits.of(settings.run, frame.overrides),
            listed_whole=listed_whole(settings, listing),
        ).deliver(result, recorder)
        exit_code, counts, report = exit_code_after(result, delivered.report), result.counts, dict(delivered.report)
        end.counts, end.adds_up, end.report = counts, result.adds_up, report
        _tell_and_watch(settings, database, frame.stamp, run_id)
        export_traces(settings.reporting.tracing, recorder, run_id)
        observer.__exit__(None, None, None)
        tell_of_faults(result)
        print_summary(frame.console, result, delivered)
        if result.interrupted is None:
            index_for_questions(database, settings)
        if not erase_old_calls(database, settings, frame.log_file, run_id=run_id) and exit_code is ExitCode.DONE:
            exit_code = ExitCode.LOOK
    except BaseException as error:
        exit_code = exit_code_of(error)
        if not isinstance(error, KeyboardInterrupt | RunInterrupted):
            log.error("%s", error, extra={ON_FILE_ONLY: True})  # `commands.app` prints it
            report = {"error": told(error), "error_type": type(error).__name__}
        if isinstance(error, UnforeseenError):
            log.error("%s", error.traceback)
        raise
    finally:
        recorder.stop()
        if batch is not None:
            batch.close()
        close_source(source)
        end_run(store, run_id, exit_code, counts, report)
    return exit_code


def _planned(batch: Batch, listing: Listing, settings: Settings, database: Database, observer: ConsoleObserver) -> Plan:
    """The plan, and what is to be said of it before the work begins."""
    plan = batch.plan()
    stale = stale_notice(plan, settings.transcription, lambda: run_speeds(database))
    for notice in (listing.notice, stale):
        if notice is not None:
            observer.notice(notice)
    return plan


def _tell_and_watch(settings: Settings, database: Database, stamp: str, run_id: str) -> None:
    """Their modules are imported where they are asked for: few runs do."""
    if settings.attention.notify:
        from commands.run.attention_notice import tell_of_attention

        for problem in tell_of_attention(settings, database, run_id):
            log.warning("%s", problem)
    if settings.watch.calls_per_night:
        from commands.run.quality_watch import watch_of_run

        watch_of_run(database, settings, stamp, run_id)


def exit_code_after(result: BatchResult, report: Mapping[str, Any]) -> ExitCode:
    """Exit code of a run that ended by itself or by an orderly stop. A planned stop does not change it."""
    if result.interrupted is not None:
        return ExitCode.INTERRUPTED
    if result.tally.failed or not result.adds_up:
        return ExitCode.CALLS_FAILED
    return ExitCode.LOOK if report.get("attention") else ExitCode.DONE


def tell_of_faults(result: BatchResult) -> None:
    """What of a run's end is no part of its summary."""
    if not result.adds_up:
        faults = result.reconciliation.faults
        log.error("the counts do not add up: %s", "; ".join(faults[:SHOWN_FAULTS]))
        if len(faults) > SHOWN_FAULTS:
            log.error("and %s: file_statuses_*.json names them", counted(len(faults) - SHOWN_FAULTS, "more fault"))
    if result.interrupted is not None:
        log.warning("stopped before the end: %s; the next run continues from there", result.interrupted)


class EndedRuns(Protocol):
    """The part of a store in which the end of a run is recorded."""

    def end_run(self, run_id: str, exit_code: int, counts: Mapping[str, int], report: Mapping[str, object]) -> None: ...


def end_run(
    store: EndedRuns, run_id: str, exit_code: ExitCode, counts: Mapping[str, int], report: Mapping[str, object]
) -> None:
    """A run has ended also where that cannot be recorded."""
    try:
        store.end_run(run_id, int(exit_code), counts, report)
    except EarshotError as error:
        log.warning("the end of the run could not be recorded: %s", error)


@contextmanager
def signals_stop(signals: RunSignals) -> Iterator[None]:
    """SIGINT and SIGTERM stop the run in an orderly way; a second one drops the calls in progress."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if signals.stopping.is_set():
            signals.abandoned.set()
        signals.stop(f"{signal.Signals(number).name} received")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
