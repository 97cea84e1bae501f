"""How queued jobs ended, by their claims and by the rows of their calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from db.records import adapter
from pipeline.handled import Handled, HandledAs
from pipeline.jobs import JobEnd, JobState

_BY_HANDLING = {
    HandledAs.DONE: JobState.DONE,
    HandledAs.KEPT: JobState.DONE,
    HandledAs.SKIPPED: JobState.SKIPPED,
    HandledAs.FAILED: JobState.FAILED,
    HandledAs.LOST: JobState.FAILED,
}
_BY_STATUS = {"done": JobState.DONE, "skipped": JobState.SKIPPED}
"""Of a row of `calls`; every other status is a failure."""

SETTLED = """
    SELECT j.job_id::text, c.outcome, c.claim_id IS NOT NULL AS claimed, k.call_id::text, k.status, k.error_type,
        k.error_message
    FROM jobs j
        LEFT JOIN LATERAL (
            SELECT claim_id, outcome, done_at FROM claims WHERE source_uri = j.source_uri
            ORDER BY done_at DESC NULLS FIRST, claim_id DESC LIMIT 1) c ON true
        LEFT JOIN calls k ON k.source_uri = j.source_uri
    WHERE j.state = 'queued' AND (c.claim_id IS NULL OR c.done_at IS NOT NULL)
    LIMIT %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A queued job whose claim is done, or gone."""

    job_id: str
    outcome: Any
    """Of its claim: a Handled as JSON; None without a claim."""
    claimed: bool
    call_id: str | None
    status: str | None
    """Of its call's row; None where there is none."""
    error_type: str | None
    error_message: str | None


def how_it_ended(job: Settled) -> JobEnd | None:
    """None where nothing is known of its call."""
    if job.claimed:
        return _of_claim(job, adapter(Handled).validate_python(job.outcome))
    if job.status is None:
        return None
    state = _BY_STATUS.get(job.status, JobState.FAILED)
    if state is JobState.DONE:
        return JobEnd(job_id=job.job_id, state=state, call_id=job.call_id)
    return JobEnd(job_id=job.job_id, state=state, call_id=job.call_id, reason=job.error_type, detail=job.error_message)


def _of_claim(job: Settled, handled: Handled) -> JobEnd:
    call_id = handled.call_id or job.call_id
    state = _BY_HANDLING[handled.handled_as]
    if state is JobState.DONE:
        return JobEnd(job_id=job.job_id, state=state, call_id=call_id)
    reason, detail = "lost", "nothing could be stored about the call; hand it in again"
    if handled.skipped is not None:
        reason, detail = handled.skipped.reason, handled.skipped.message
    elif handled.failure is not None:
        reason, detail = handled.failure.error_type, handled.failure.message
    return JobEnd(job_id=job.job_id, state=state, call_id=call_id, reason=reason, detail=detail)
