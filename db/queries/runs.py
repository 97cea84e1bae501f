"""Questions about runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from db.ask import ask
from db.ledger.work.intake import JOBS
from db.records import record_row

if TYPE_CHECKING:
    from db.connection import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A row of `runs`."""

    run_id: str
    state: str
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    host: str
    configuration_hash: str
    exit_code: int | None
    counts: Mapping[str, int]
    progress: Mapping[str, Any]
    report: Mapping[str, Any]
    alive: bool
    """Whether its process holds its lock; a row can say `running` for a run that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRun:
    """The newest run over an input, where recordings of it have no row."""

    started_at: datetime
    under_way: bool
    broke_off: bool
    """Whether it was killed before it had accounted for its recordings."""
    waiting: int
    """Recordings that were still being written."""
    left: int
    """Recordings left for a later run: it was stopped, or has a limit."""
    not_opened: Mapping[str, int]
    """Reason of UNOPENED to the number of archives, folders or links."""


UNOPENED = ("bad_archive", "unreadable_archive", "unreadable_folder", "dangling_link")
"""Reasons why recordings may lie where no run could look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpeed:
    """How fast a finished run was, and with which recogniser."""

    engine: str
    model: str | None
    passed_over: Sequence[str]
    """`engine: why` for each engine listed before this one."""
    audio_s: float
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What language models have charged so far."""

    cost_usd: float
    calls: int
    """Number of calls with a charge."""


def latest_runs(database: Database, limit: int = 10) -> list[RunRecord]:
    """Newest first; the first is the one `run.py status` shows."""
    return ask(database, "runs/latest", record_row(RunRecord), limit=limit)


def unfinished_runs(database: Database) -> list[UnfinishedRun]:
    """Newest first; of the service's own runs none."""
    return ask(database, "runs/unfinished", record_row(UnfinishedRun), unopened=list(UNOPENED), jobs=JOBS)


def stored_report(database: Database, run_id: str | None) -> tuple[str, dict[str, Any]] | None:
    """Id and report of a run; by default, of the newest that has ended. None when there is no such run."""
    try:
        wanted = uuid.UUID(run_id) if run_id is not None else None
    except ValueError:
        return None
    found = ask(database, "runs/stored_report", dict_row, run_id=wanted)
    if not found:
        return None
    (row,) = found
    return row["run_id"], {**(row.pop("report") or {}), **row}


def earlier_runs(database: Database, run_id: str, limit: int) -> list[dict[str, Any]]:
    """The last runs before this one that made calls, newest first."""
    return ask(database, "runs/earlier", dict_row, run_id=uuid.UUID(run_id), limit=limit)


def run_speeds(database: Database) -> list[RunSpeed]:
    """The last finished runs that transcribed something, newest first."""
    return ask(database, "runs/speeds", record_row(RunSpeed))


def cost_so_far(database: Database) -> Cost:
    """Cost of all runs together."""
    (row,) = ask(database, "runs/cost", record_row(Cost))
    return row
