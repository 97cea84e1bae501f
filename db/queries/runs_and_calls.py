"""Questions about runs and calls that several commands ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipeline.config.areas.database import EMBEDDED, DatabaseSettings
from pipeline.errors import DatabaseUnavailable
from pipeline.masking import masked

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
    """Whether somebody holds the run lock; a row can say `running` for a run that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledCall:
    """A failed or quarantined call."""

    call_id: str
    source_uri: str
    file_name: str
    status: str
    stage: str | None
    error_type: str | None
    message: str | None
    transient: bool | None
    failed_runs: int
    run_id: str | None


@contextmanager
def ledger_as_it_is(settings: DatabaseSettings) -> Iterator[Database | None]:
    """The database, for those who only look; None where no run has made it or its tables yet. Makes and changes none.

    Raises DatabaseUnavailable, also for what goes wrong with a question asked in the `with` block.
    """
    import psycopg

    from db.connection import connect
    from db.embedded.files import existing_home

    if settings.url == EMBEDDED and existing_home(settings.data_dir) is None:
        yield None
        return
    try:
        with connect(settings, up_to_date=False) as database:
            yield database if _rows(database, "SELECT to_regclass('runs') IS NOT NULL", [])[0][0] else None
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"database {masked(settings.url)}: {' '.join(str(error).split())}; if its tables are those of another "
            "version, `python run.py db migrate` brings them up to date"
        ) from error


def latest_runs(database: Database, limit: int = 10) -> list[RunRecord]:
    """Newest first; the first is the one `run.py status` shows."""
    from db.ledger.runs import RUN_LOCK

    rows = _rows(
        database,
        """SELECT run_id, state, started_at, heartbeat_at, ended_at, host, configuration_hash, exit_code, counts,
                  progress, report,
                  state = 'running' AND EXISTS (
                      SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                      WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.granted
                          AND l.classid::bigint = %s AND l.objid::bigint = %s)
           FROM runs ORDER BY started_at DESC LIMIT %s""",
        [RUN_LOCK >> 32, RUN_LOCK & 0xFFFFFFFF, limit],
    )
    return [
        RunRecord(
            run_id=str(row[0]),
            state=row[1],
            started_at=row[2],
            heartbeat_at=row[3],
            ended_at=row[4],
            host=row[5],
            configuration_hash=row[6],
            exit_code=row[7],
            counts=row[8],
            progress=row[9],
            report=row[10],
            alive=row[11],
        )
        for row in rows
    ]


def status_counts(database: Database, run_id: str | None = None) -> dict[str, int]:
    """Calls by status, of all or of those a run wrote last: what reconciliation compares with the folder."""
    rows = _rows(
        database,
        """SELECT status, count(*) FROM calls WHERE %s::uuid IS NULL OR run_id = %s::uuid
           GROUP BY status ORDER BY status""",
        [run_id, run_id],
    )
    return dict(rows)


def troubled_calls(database: Database, run_id: str | None = None) -> list[TroubledCall]:
    """Failed and quarantined calls, of all runs or of those whose last failure was in this one."""
    rows = _rows(
        database,
        """SELECT call_id, source_uri, file_name, status, error_stage, error_type, error_message, error_transient,
                  failed_runs, run_id
           FROM calls WHERE error_type IS NOT NULL AND status <> 'skipped'
               AND (%s::uuid IS NULL OR run_id = %s::uuid)
           ORDER BY status DESC, source_uri""",
        [run_id, run_id],
    )
    return [
        TroubledCall(
            call_id=str(row[0]),
            source_uri=row[1],
            file_name=row[2],
            status=row[3],
            stage=row[4],
            error_type=row[5],
            message=row[6],
            transient=row[7],
            failed_runs=row[8],
            run_id=str(row[9]) if row[9] else None,
        )
        for row in rows
    ]


def failures_by_type(database: Database, run_id: str | None = None) -> list[tuple[str, str | None, int]]:
    """(error type, stage, calls), most frequent first."""
    rows = _rows(
        database,
        """SELECT error_type, error_stage, count(*) FROM calls
           WHERE error_type IS NOT NULL AND status <> 'skipped' AND (%s::uuid IS NULL OR run_id = %s::uuid)
           GROUP BY error_type, error_stage ORDER BY count(*) DESC, error_type""",
        [run_id, run_id],
    )
    return [(row[0], row[1], row[2]) for row in rows]


def calls_to_deliver_of(database: Database, run_id: str) -> list[str]:
    """Calls that this run completed, and those of runs before it that ended before they delivered; oldest first."""
    rows = _rows(
        database,
        """WITH this AS (SELECT started_at FROM runs WHERE run_id = %s::uuid),
                delivered AS (SELECT max(r.started_at) AS last FROM runs r, this
                              WHERE r.started_at < this.started_at AND r.report ? 'stamp'),
                kept AS (SELECT r.run_id FROM runs r, this, delivered
                         WHERE r.started_at <= this.started_at
                             AND r.started_at > coalesce(delivered.last, '-infinity'))
           SELECT call_id FROM calls
           WHERE run_id IN (SELECT run_id FROM kept) AND status = 'done' AND error_type IS NULL
           ORDER BY started_at NULLS LAST, source_uri""",
        [run_id],
    )
    return [str(row[0]) for row in rows]


def all_call_ids(database: Database) -> list[str]:
    """Every call but skipped files, oldest first: for `run.py export`."""
    rows = _rows(
        database,
        "SELECT call_id FROM calls WHERE status <> 'skipped' ORDER BY started_at NULLS LAST, source_uri",
        [],
    )
    return [str(row[0]) for row in rows]


def _rows(database: Database, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    def work(connection: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = connection.execute(query, parameters).fetchall()
        return rows

    return database.patiently(work)
