"""A worker for the calls that runs have planned, put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from commands.permissions import check_writable, let_read
from commands.run.logs import log_to
from commands.run.tracing import TracedObserver
from commands.run.wiring import build_parts, open_claims
from db.connection import connect
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from pipeline.run.context import Hire, hire_here
from pipeline.run.joined_worker import JoinedWorker
from pipeline.run.planning.recipes import build_recipe
from pipeline.sources.addressed import AddressedSource
from pipeline.tracing.spans import Spans


@contextmanager
def joined_worker(
    settings: Settings, observer_of: Callable[[Spans], TracedObserver], hire: Hire = hire_here
) -> Iterator[tuple[JoinedWorker, str]]:
    """A worker of this process, with a log and a database of its own, and its name in the claims.

    Raises StartupError, RunLocked.
    """
    let_read(settings.output.readable_by)
    check_writable(settings.run.spool_dir)
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    spans = Spans(settings.reporting.tracing)
    observer = observer_of(spans)
    log_to(observer.console, settings.output.directory / "logs", f"{stamp}_{os.getpid()}", settings.reporting)
    with spans, observer, connect(settings.database) as database:
        store = PostgresStore(database, allow_downgrade=settings.run.allow_downgrade)
        try:
            store.join_runs()
            claims = open_claims(settings, database)
            parts = replace(build_parts(settings, store, claims, AddressedSource(settings.input)), hire=hire)
            worker = JoinedWorker(settings.run, parts, observer, build_recipe(settings))
            observer.recorder = worker.recorder
            worker.recorder.start()
            try:
                yield worker, claims.worker
            finally:
                worker.recorder.stop()
                worker.close()
        finally:
            store.close()
