"""`pipeline.jobs.Jobs`, and what the service asks of the table beside it.

Every change of state writes its event in the same transaction, and is safe to repeat.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psycopg.rows import scalar_row

from db.ask import answer, change
from db.connection import Database
from db.jobs.outcomes import SETTLED, Settled, how_it_ended
from db.jobs.records import JobEvent, JobProgress, JobsWanted, NewJob
from db.ledger.values import clean, json_parameter
from db.records import Columns, record_row
from pipeline.jobs import Job, JobEnd

if TYPE_CHECKING:
    from psycopg import Connection

_JOB = Columns(Job)
_AT_ONCE = 500

_OPEN = """
    INSERT INTO jobs (job_id, state, submitted_by, idempotency_key, request_hash, file_name, recording_url, size_bytes,
        metadata, customer_segment, queue, priority, callback_url, request_id, traceparent)
    VALUES (%(job_id)s, %(state)s, %(submitted_by)s, %(idempotency_key)s, %(request_hash)s, %(file_name)s,
        %(recording_url)s, %(size_bytes)s, %(metadata)s, %(customer_segment)s, %(queue)s, %(priority)s,
        %(callback_url)s, %(request_id)s, %(traceparent)s)
    ON CONFLICT DO NOTHING
"""
_FIRST_EVENT = """
    INSERT INTO job_events (job_id, kind)
    SELECT job_id, state FROM jobs j
    WHERE job_id = %s AND NOT EXISTS (SELECT FROM job_events e WHERE e.job_id = j.job_id)
"""
_STORED = """
    WITH changed AS (
        UPDATE jobs SET state = 'accepted', source_uri = %(source_uri)s, size_bytes = %(size_bytes)s,
            recording_sha256 = %(sha256)s, file_name = %(file_name)s, accepted_at = now(), recording_url = NULL
        WHERE job_id = %(job_id)s AND state IN ('receiving', 'fetching') RETURNING job_id)
    INSERT INTO job_events (job_id, kind) SELECT job_id, 'accepted' FROM changed
"""
_QUEUED = """
    WITH changed AS (
        UPDATE jobs SET state = 'queued' WHERE job_id = ANY(%s) AND state = 'accepted' RETURNING job_id)
    INSERT INTO job_events (job_id, kind) SELECT job_id, 'queued' FROM changed
"""
_END = """
    WITH changed AS (
        UPDATE jobs SET state = %(state)s, ended_at = now(),
            call_id = coalesce((SELECT c.call_id FROM calls c WHERE c.call_id = %(call_id)s), call_id),
            reason = %(reason)s, detail = %(detail)s, recording_url = NULL,
            callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE now() END
        WHERE job_id = %(job_id)s AND ended_at IS NULL RETURNING job_id)
    INSERT INTO job_events (job_id, kind) SELECT job_id, %(state)s FROM changed
"""
_AGAIN = """
    WITH changed AS (UPDATE jobs SET state = 'accepted' WHERE job_id = ANY(%s) AND state = 'queued' RETURNING job_id)
    INSERT INTO job_events (job_id, kind) SELECT job_id, 'accepted' FROM changed
"""
_TELL_STAGES = """
    WITH moved AS (
        UPDATE jobs j SET stage = c.stage FROM claims c
        WHERE c.source_uri = j.source_uri AND c.done_at IS NULL AND j.state = 'queued' AND c.stage IS NOT NULL
            AND c.stage IS DISTINCT FROM j.stage RETURNING j.job_id, c.stage)
    INSERT INTO job_events (job_id, kind, stage) SELECT job_id, 'stage', stage FROM moved
"""
_CANCEL = """
    WITH changed AS (
        UPDATE jobs SET state = 'cancelled', ended_at = now(), recording_url = NULL,
            callback_due_at = CASE WHEN callback_url IS NULL THEN NULL ELSE now() END
        WHERE job_id = %s AND ended_at IS NULL RETURNING job_id)
    INSERT INTO job_events (job_id, kind) SELECT job_id, 'cancelled' FROM changed
"""
_PROGRESS = """
    SELECT c.worker IS NOT NULL AND c.lease_until > now() AS at_work, c.stage, c.stage_share, c.audio_s,
        (SELECT count(*) FROM claims o WHERE o.configuration_hash = c.configuration_hash AND o.done_at IS NULL
            AND (o.priority > c.priority OR o.priority = c.priority AND o.claim_id < c.claim_id)) AS calls_ahead,
        (SELECT extract(epoch FROM max(ended_at) - min(ended_at)) / nullif(count(*) - 1, 0)
         FROM (SELECT ended_at FROM jobs WHERE state = 'done' AND ended_at > now() - interval '1 hour'
               ORDER BY ended_at DESC LIMIT 20) recent)::float AS s_per_call,
        (SELECT extract(epoch FROM now() - max(at)) FROM job_events e WHERE e.job_id = j.job_id AND e.kind = 'stage')
            ::float AS in_stage_s
    FROM jobs j JOIN claims c ON c.source_uri = j.source_uri AND c.done_at IS NULL
    WHERE j.job_id = %s
"""
_LISTED = """
    (submitted_by = %(me)s OR %(others)s
        AND (%(segments)s::text[] IS NULL OR customer_segment = ANY(%(segments)s))
        AND (%(queues)s::text[] IS NULL OR queue = ANY(%(queues)s)))
    AND (%(state)s::text IS NULL OR state = %(state)s)
    AND (%(key)s::text IS NULL OR idempotency_key = %(key)s)
    AND (%(job_id)s::uuid IS NULL OR job_id = %(job_id)s)
    AND (%(after)s::uuid IS NULL
        OR (created_at, job_id) < (SELECT created_at, job_id FROM jobs WHERE job_id = %(after)s))
    ORDER BY created_at DESC, job_id DESC LIMIT %(limit)s
"""


class PostgresJobs:
    """The jobs of one database, which is closed by whoever opened it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------------------------------ handing in

    def open(self, new: NewJob) -> Job:
        """The job of this submission: a new one, or the one that its idempotency key names already."""
        named = {
            **{name: getattr(new, name) for name in NewJob.__slots__},
            "job_id": uuid.UUID(new.job_id),
            "state": new.state.value,
            "metadata": json_parameter(dict(new.metadata)),
            "file_name": clean(new.file_name),
        }

        def work(connection: Connection[Any]) -> str:
            connection.execute(_OPEN, named)
            connection.execute(_FIRST_EVENT, [named["job_id"]])
            with connection.cursor(row_factory=scalar_row) as cursor:
                found = cursor.execute(
                    """SELECT job_id::text FROM jobs
                       WHERE job_id = %s OR submitted_by = %s AND idempotency_key = %s""",
                    [named["job_id"], new.submitted_by, new.idempotency_key],
                ).fetchone()
            return str(found)

        job = self.job(self._database.patiently(work))
        assert job is not None
        return job

    def stored(self, job_id: str, *, source_uri: str, file_name: str, size_bytes: int, sha256: str) -> Job:
        """The recording is on the disk: from the end of this call on, the job is accepted."""
        named = {
            "job_id": uuid.UUID(job_id), "source_uri": clean(source_uri), "file_name": clean(file_name),
            "size_bytes": size_bytes, "sha256": sha256,
        }  # fmt: skip
        change(self._database, _STORED, named)
        job = self.job(job_id)
        assert job is not None
        return job

    def forget(self, job_id: str) -> None:
        """A job that was never accepted: it goes as if it had not begun."""
        change(
            self._database,
            "DELETE FROM jobs WHERE job_id = %s AND state IN ('receiving', 'fetching')",
            [uuid.UUID(job_id)],
        )

    def unfinished(self, before: datetime) -> Sequence[Job]:
        """Uploads that began before then and are not complete."""
        return self._jobs("state = 'receiving' AND created_at < %s ORDER BY created_at LIMIT %s", [before, _AT_ONCE])

    def to_fetch(self) -> Sequence[Job]:
        """Recordings to fetch from their addresses, the highest priority first."""
        return self._jobs("state = 'fetching' ORDER BY priority DESC, created_at LIMIT %s", [_AT_ONCE])

    # -------------------------------------------------------------------------------------- following

    def job(self, job_id: str) -> Job | None:
        return next(iter(self._jobs("job_id = %s", [uuid.UUID(job_id)])), None)

    def listed(self, wanted: JobsWanted, limit: int) -> Sequence[Job]:
        """The newest first."""
        others = wanted.seen_by.others
        named = {
            "me": wanted.seen_by.name,
            "others": others is not None,
            "segments": list(others.segments) if others and others.segments is not None else None,
            "queues": list(others.queues) if others and others.queues is not None else None,
            "state": wanted.state.value if wanted.state else None,
            "key": wanted.idempotency_key,
            "job_id": uuid.UUID(wanted.job_id) if wanted.job_id else None,
            "after": uuid.UUID(wanted.after) if wanted.after else None,
            "limit": limit,
        }
        return self._jobs(_LISTED, named)

    def progress(self, job_id: str) -> JobProgress | None:
        """Where a queued job is; None for one without a claim."""
        found = answer(self._database, _PROGRESS, record_row(JobProgress), [uuid.UUID(job_id)])
        return next(iter(found), None)

    def events(self, job_id: str, after: int) -> Sequence[JobEvent]:
        """What happened after event number `after`, in order."""
        query = """SELECT event_id, at, kind, stage FROM job_events
                   WHERE job_id = %s AND event_id > %s ORDER BY event_id LIMIT 1000"""
        return answer(self._database, query, record_row(JobEvent), [uuid.UUID(job_id), after])

    def cancel(self, job_id: str) -> Job | None:
        """A job that has not ended ends here: whoever works on its call stores nothing."""
        identity = uuid.UUID(job_id)

        def work(connection: Connection[Any]) -> None:
            connection.execute(_CANCEL, [identity])
            connection.execute(
                """DELETE FROM claims c USING jobs j
                   WHERE j.job_id = %s AND j.state = 'cancelled' AND c.source_uri = j.source_uri
                       AND c.done_at IS NULL""",
                [identity],
            )

        self._database.patiently(work)
        return self.job(job_id)

    # --------------------------------------------------------------------------------- pipeline.jobs.Jobs

    def to_plan(self, most: int) -> Sequence[Job]:
        return self._jobs("state = 'accepted' ORDER BY priority DESC, created_at LIMIT %s", [most])

    def queued(self, job_ids: Sequence[str]) -> None:
        if job_ids:
            change(self._database, _QUEUED, [[uuid.UUID(job_id) for job_id in job_ids]])

    def end(self, ends: Sequence[JobEnd]) -> None:
        def work(connection: Connection[Any]) -> None:
            for end in ends:
                connection.execute(
                    _END,
                    {
                        "job_id": uuid.UUID(end.job_id),
                        "state": end.state.value,
                        "call_id": uuid.UUID(end.call_id) if end.call_id else None,
                        "reason": end.reason,
                        "detail": clean(end.detail) if end.detail else None,
                    },
                )

        if ends:
            self._database.patiently(work)

    def settle(self) -> int:
        rows = answer(self._database, SETTLED, record_row(Settled), [_AT_ONCE])
        ends = [how_it_ended(row) for row in rows]
        again = [uuid.UUID(row.job_id) for row, end in zip(rows, ends, strict=True) if end is None]
        self.end([end for end in ends if end is not None])
        if again:
            change(self._database, _AGAIN, [again])
        return len(rows)

    def tell_stages(self) -> None:
        change(self._database, _TELL_STAGES, [])

    # -------------------------------------------------------------------------------------- callbacks

    def to_call_back(self, most: int, for_s: float) -> Sequence[Job]:
        """Jobs whose callbacks are due, for `for_s` seconds in this caller's hands alone."""
        query = f"""
            UPDATE jobs SET callback_due_at = now() + make_interval(secs => %s)
            WHERE job_id IN (SELECT job_id FROM jobs WHERE callback_due_at <= now()
                             ORDER BY callback_due_at LIMIT %s FOR UPDATE SKIP LOCKED)
            RETURNING {_SELECTED}"""  # noqa: S608 - ours
        return answer(self._database, query, record_row(Job), [for_s, most])

    def called_back(self, job_id: str) -> None:
        change(
            self._database,
            """UPDATE jobs SET called_back_at = now(), callback_due_at = NULL, callback_error = NULL,
                   callback_attempts = callback_attempts + 1 WHERE job_id = %s""",
            [uuid.UUID(job_id)],
        )

    def not_called_back(self, job_id: str, error: str, again_in_s: float | None) -> None:
        """`again_in_s`: None to give up."""
        again = None if again_in_s is None else timedelta(seconds=again_in_s)
        change(
            self._database,
            """UPDATE jobs SET callback_due_at = now() + %s, callback_error = %s,
                   callback_attempts = callback_attempts + 1 WHERE job_id = %s""",
            [again, clean(error), uuid.UUID(job_id)],
        )

    # ---------------------------------------------------------------------------------------------- sql

    def _jobs(self, where: str, parameters: Any) -> list[Job]:
        query = f"SELECT {_SELECTED} FROM jobs WHERE {where}"  # noqa: S608 - ours
        return answer(self._database, query, record_row(Job), parameters)


_SELECTED = ", ".join(f"{name}::text" if name in ("job_id", "call_id") else name for name in _JOB.names)
