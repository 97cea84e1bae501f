"""What is kept of calls handed in, and of live calls that became no call, goes when it is old or its customer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import scalar_row

from db.ask import Patient

if TYPE_CHECKING:
    from psycopg import Connection

_OLD_JOBS = """
    ended_at < %(before)s AND callback_due_at IS NULL
"""
_OLD_LIVE_CALLS = """
    call_id IS NULL AND ended_at < %(before)s
"""
_CUSTOMERS = """
    ended_at IS NOT NULL AND call_id IS NULL AND EXISTS (
        SELECT FROM jsonb_each_text(metadata) part
        WHERE part.value = %(customer)s
            OR (length(phone_key(%(customer)s)) >= 6 AND phone_key(part.value) = phone_key(%(customer)s)))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How many rows went, or would go."""

    jobs: int
    live_calls: int

    @property
    def any(self) -> bool:
        return bool(self.jobs or self.live_calls)


def forget_old(database: Patient, before: datetime, *, write: bool = True) -> Forgotten:
    """Jobs and live calls that ended before then. A job whose callback is still to be delivered stays."""
    return _forget(database, {"jobs": _OLD_JOBS, "live_calls": _OLD_LIVE_CALLS}, {"before": before}, write=write)


def forget_customers(database: Patient, customer: str, *, write: bool = True) -> Forgotten:
    """Those of a customer that ended without becoming a call: cancelled, failed before they had a row."""
    return _forget(database, {"jobs": _CUSTOMERS, "live_calls": _CUSTOMERS}, {"customer": customer}, write=write)


def _forget(database: Patient, where: dict[str, str], named: dict[str, object], *, write: bool) -> Forgotten:
    def work(connection: Connection[Any]) -> dict[str, int]:
        counts = {}
        for table, condition in where.items():
            statement = (
                f"WITH gone AS (DELETE FROM {table} WHERE {condition} RETURNING 1) SELECT count(*) FROM gone"  # noqa: S608
                if write
                else f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608
            )
            with connection.cursor(row_factory=scalar_row) as cursor:
                counts[table] = int(cursor.execute(statement.encode(), named).fetchone() or 0)
        return counts

    return Forgotten(**database.patiently(work))
