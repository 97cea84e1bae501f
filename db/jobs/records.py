"""Rows beside `pipeline.jobs.Job`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from db.queries.chosen import RowScope
from pipeline.jobs import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A submission as it begins."""

    job_id: str
    state: JobState
    submitted_by: str
    idempotency_key: str | None
    request_hash: str
    file_name: str
    recording_url: str | None
    size_bytes: int | None
    metadata: Mapping[str, str]
    customer_segment: str | None
    queue: str | None
    priority: int
    callback_url: str | None
    request_id: str | None = None
    """Of the request that handed it in."""
    traceparent: str | None = None
    """Its span, as W3C Trace Context writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBy:
    """Whose jobs are listed: somebody's own, and those of others within a scope."""

    name: str
    """As in `jobs.submitted_by`."""
    others: RowScope | None
    """None: no others'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsWanted:
    """Which jobs are listed."""

    seen_by: SeenBy
    job_id: str | None = None
    state: JobState | None = None
    idempotency_key: str | None = None
    after: str | None = None
    """job_id of the last one of the page before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """Where a job with a claim is."""

    at_work: bool
    """Whether a worker has it."""
    stage: str | None
    stage_share: float | None
    """0..1 of the stage."""
    audio_s: float | None
    """Length of the recording."""
    calls_ahead: int
    s_per_call: float | None
    """Between the ends of two of the last twenty jobs, within the last hour."""
    in_stage_s: float | None
    """Since its last event of a stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something that happened to a job."""

    event_id: int
    at: datetime
    kind: str
    """The state it came into, or `stage`."""
    stage: str | None
