"""Calls handed in over HTTP, from the first byte to the end. A leaf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class JobState(StrEnum):
    """How far a job is."""

    RECEIVING = "receiving"
    """Its upload has begun."""
    FETCHING = "fetching"
    """Its recording is to be fetched from an address."""
    ACCEPTED = "accepted"
    """Its recording is stored: nothing but an erasure or its submitter can lose it now."""
    QUEUED = "queued"
    """It has a claim, free or in the hands of a worker."""
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The recording is none that becomes a call: too short, no sound."""
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.SKIPPED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row of `jobs`."""

    job_id: str
    state: JobState
    submitted_by: str
    idempotency_key: str | None
    request_hash: str
    file_name: str
    recording_url: str | None = None
    source_uri: str | None = None
    size_bytes: int | None = None
    recording_sha256: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Texts by field, as a sidecar has them."""
    priority: int = 0
    stage: str | None = None
    """Stage that its events tell of last."""
    created_at: datetime
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    call_id: str | None = None
    reason: str | None = None
    detail: str | None = None
    callback_url: str | None = None
    callback_attempts: int = 0
    callback_error: str | None = None
    called_back_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How a job ends."""

    job_id: str
    state: JobState
    call_id: str | None = None
    reason: str | None = None
    detail: str | None = None


class Jobs(Protocol):
    """What planning the jobs needs of their table. Every method may raise DatabaseUnavailable."""

    def to_plan(self, most: int) -> Sequence[Job]:
        """Accepted ones, the highest priority first, then the oldest."""
        ...

    def queued(self, job_ids: Sequence[str]) -> None:
        """They have claims now; those that were cancelled meanwhile stay so."""
        ...

    def end(self, ends: Sequence[JobEnd]) -> None:
        """Those that have ended meanwhile stay as they are."""
        ...

    def settle(self) -> int:
        """End the queued jobs whose calls are done with, by whomever; returns how many.

        A job without a claim and without a call is accepted again.
        """
        ...

    def tell_stages(self) -> None:
        """Events for the jobs that have come into another stage."""
        ...
