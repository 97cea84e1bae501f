"""Questions of whoever watches the service: the queue, the workers, what was done. Nothing about single calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import tuple_row

from db.ask import Patient, ask
from db.records import record_row
from pipeline.presence import SeenWorker

if TYPE_CHECKING:
    from db.connection import Database


TROUBLED_S = 150.0
"""An error that ended a worker counts for this long, if no other has a recogniser: longer than the longest pause before
it is started again, and the time it then takes to fail again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Calls to be done."""

    waiting: int
    oldest_s: float
    """How long the first of them has waited; 0 where none waits."""
    held: int
    """A worker has them."""
    overdue: int
    """A worker has them that no longer renews its lease: anybody may take them over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the service has under way beside its queue."""

    callbacks: int
    live_calls: int


def seen_workers(database: Patient, within_s: float) -> Sequence[SeenWorker]:
    """Those that gave a sign of life within the last seconds, newest first, and those that lately got into trouble."""
    return ask(database, "monitoring/workers", record_row(SeenWorker), within_s=within_s, troubled_s=TROUBLED_S)


def queue(database: Patient) -> Queue:
    (row,) = ask(database, "monitoring/queue", record_row(Queue))
    return row


def work_totals(database: Patient) -> Mapping[str, float]:
    """What all workers have ever done; see `pipeline.presence.WorkerReport.totals`."""
    return dict(ask(database, "monitoring/totals", tuple_row))


def calls_by_status(database: Patient) -> Mapping[str, int]:
    return dict(ask(database, "monitoring/calls", tuple_row))


def jobs_by_state(database: Patient) -> Mapping[str, int]:
    return dict(ask(database, "monitoring/jobs", tuple_row))


def waiting(database: Patient) -> Waiting:
    (row,) = ask(database, "monitoring/waiting", record_row(Waiting))
    return row


def answers(database: Database) -> None:
    """Asks the database for as little as there is, once. Raises psycopg.Error, PoolTimeout."""
    with database.connection() as connection:
        connection.execute("SELECT 1")
