"""Writing what went wrong: failed, quarantined and skipped calls. Existing results stay."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from db.ledger import live
from db.ledger.addresses import address_id
from db.ledger.rows import found_columns
from db.ledger.values import clean, json_parameter
from pipeline.records import CallFailure, SkippedFile

if TYPE_CHECKING:
    from psycopg import Connection


def store_failure(connection: Connection[Any], failure: CallFailure, quarantine_after: int) -> bool:
    """Record a failure; True when it is the `quarantine_after`-th run in a row (0: never quarantine).

    A second failure in the same run does not count again. A call with results keeps the size, time and
    etag of the bytes they came from, so that a changed recording is tried again.
    """
    found = found_columns(failure.found)
    row = connection.execute(
        """SELECT call_id, transcript_fingerprint IS NOT NULL, failed_runs, run_id, error_type IS NOT NULL
           FROM calls WHERE source_uri = %s FOR UPDATE""",
        [found["source_uri"]],
    ).fetchone()
    call_id, has_results, failed_runs, run_id, erring = row or (None, False, 0, None, False)
    run = uuid.UUID(failure.run_id)
    if not (erring and run_id == run and failed_runs > 0):
        failed_runs += 1
    quarantined = 0 < quarantine_after <= failed_runs
    columns: dict[str, Any] = {
        "error_type": failure.error_type,
        "error_message": clean(failure.message),
        "error_stage": failure.stage,
        "error_transient": failure.transient,
        "error_traceback": clean(failure.traceback),
        "failed_runs": failed_runs,
        "run_id": run,
        "delivered_at": None,
    }
    if quarantined or not has_results:
        columns["status"] = "quarantined" if quarantined else "failed"
    if not has_results:
        columns |= found
    call_id = call_id or address_id(connection, found["source_uri"], "")
    _write(connection, call_id, columns, new=row is None)
    live.belongs_to(connection, call_id, clean(failure.found.file_name))
    return quarantined


def _write(connection: Connection[Any], call_id: uuid.UUID, columns: dict[str, Any], *, new: bool) -> None:
    from psycopg import sql

    values = [json_parameter(value) if isinstance(value, dict) else value for value in columns.values()]
    listed = [sql.Identifier(name) for name in columns]
    if new:
        statement = sql.SQL("INSERT INTO calls ({}, call_id) VALUES ({}, %s)").format(
            sql.SQL(", ").join(listed), sql.SQL(", ").join([sql.Placeholder()] * len(listed))
        )
    else:
        updates = sql.SQL(", ").join(sql.SQL("{} = %s").format(name) for name in listed)
        statement = sql.SQL("UPDATE calls SET {}, processed_at = now() WHERE call_id = %s").format(updates)
    connection.execute(statement, [*values, call_id])


def store_skipped(connection: Connection[Any], skipped: Sequence[SkippedFile], run_id: str) -> None:
    """Record skipped files with the reason. Calls with results stay; files already recorded are not written again."""
    rows = [
        (
            address_id(connection, clean(file.source_uri), ""),
            clean(file.source_uri),
            clean(file.file_name),
            file.size_bytes,
            file.modified_at,
            clean(file.etag),
            file.reason,
            clean(file.message),
            uuid.UUID(run_id),
        )
        for file in skipped
        if not file.waiting
    ]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO calls AS c (call_id, source_uri, file_name, source_size_bytes, source_modified_at, etag,
                   status, error_type, error_message, error_transient, run_id)
               VALUES (%s, %s, %s, %s, %s, %s, 'skipped', %s, %s, false, %s)
               ON CONFLICT (source_uri) DO UPDATE SET
                   source_size_bytes = EXCLUDED.source_size_bytes, source_modified_at = EXCLUDED.source_modified_at,
                   etag = EXCLUDED.etag, status = 'skipped', error_type = EXCLUDED.error_type,
                   error_message = EXCLUDED.error_message, error_transient = false, error_stage = NULL,
                   error_traceback = NULL, failed_runs = 0, run_id = EXCLUDED.run_id, processed_at = now()
               WHERE c.transcript_fingerprint IS NULL
                   AND (c.status, c.source_size_bytes, c.source_modified_at, c.etag, c.error_type, c.error_message)
                       IS DISTINCT FROM ('skipped', EXCLUDED.source_size_bytes, EXCLUDED.source_modified_at,
                           EXCLUDED.etag, EXCLUDED.error_type, EXCLUDED.error_message)""",
            rows,
        )
