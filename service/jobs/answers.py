"""What is told of a job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from db.jobs.records import JobEvent, JobProgress
from pipeline.jobs import ENDED, Job, JobState
from service.answers import Answer, alike

_LEAST_SHARE = 0.05
"""Below this much of a stage its speed says little."""
_AFTER_RECOGNITION = frozenset({"analyse", "store"})


class JobLinks(Answer):
    """Where to go on."""

    job: str
    """This job."""
    events: str
    """Its events, as they come (server-sent events)."""
    recording: str | None
    """Where an upload that is not complete is continued; null otherwise."""
    call: str | None
    """The call it became, as data; null before that."""
    page: str | None
    """The call's page; null before there is one."""


class CallbackAnswer(Answer):
    """What became of the callback."""

    attempts: int
    error: str | None
    """Why the last attempt failed."""
    delivered_at: datetime | None


class JobAnswer(Answer):
    """A recording handed in, and how far it is."""

    job_id: str
    state: JobState
    """receiving (the upload is not complete), fetching (from its address), accepted (stored, and safe), queued (planned
    or under way, see `stage`), then done, failed, skipped (no call: too short, no sound) or cancelled."""
    stage: str | None
    """While a worker has it: fetch, prepare, recognise, analyse or store; `waiting` before that; else null."""
    share_done: float | None = Field(ge=0, le=1)
    """How much of its speech is recognised; null where that is not known."""
    calls_ahead: int | None
    """Calls that come before it, while it waits."""
    time_left_s: float | None
    """Estimate, from the speed of this call or of the last ones; null where nothing to estimate from is known."""
    reason: str | None
    """Why it failed or was skipped, in one word."""
    detail: str | None
    """The same in words."""
    call_id: str | None
    file_name: str
    size_bytes: int | None
    """Of the recording; of an upload under way as announced."""
    received_bytes: int | None
    """Of an upload that is not complete: what is here."""
    metadata: Mapping[str, str]
    priority: int
    created_at: datetime
    accepted_at: datetime | None
    """Since when nothing can lose it."""
    ended_at: datetime | None
    callback: CallbackAnswer | None
    """Null where no callback was asked for."""
    links: JobLinks


class JobList(Answer):
    """Jobs, the newest first."""

    jobs: tuple[JobAnswer, ...]
    next: str | None
    """Address of the next page; null on the last one."""


class EventAnswer(Answer):
    """Data of one server-sent event."""

    job_id: str
    at: datetime
    state: JobState | None
    """The state it came into; null for an event of another kind."""
    stage: str | None
    """The stage it came into; null for an event of another kind."""


def job_answer(job: Job, progress: JobProgress | None = None, received_bytes: int | None = None) -> JobAnswer:
    working = progress is not None and progress.at_work
    stage = _stage(job, progress)
    here = f"/v1/jobs/{job.job_id}"
    done = job.state is JobState.DONE
    return JobAnswer(**{
        **alike(JobAnswer, job),
        "stage": stage,
        "share_done": _share_done(job, stage, progress),
        "calls_ahead": progress.calls_ahead if progress is not None and not working else None,
        "time_left_s": _time_left_s(job, stage, progress),
        "received_bytes": received_bytes,
        "callback": None
        if job.callback_url is None
        else CallbackAnswer(attempts=job.callback_attempts, error=job.callback_error, delivered_at=job.called_back_at),
        "links": JobLinks(
            job=here,
            events=f"{here}/events",
            recording=f"{here}/recording" if job.state is JobState.RECEIVING else None,
            call=f"/v1/calls/{job.call_id}" if job.call_id and done else None,
            page=f"/calls/{job.call_id}" if job.call_id and done else None,
        ),
    })  # fmt: skip


def _stage(job: Job, progress: JobProgress | None) -> str | None:
    if job.state is not JobState.QUEUED:
        return None
    if progress is None:  # its worker has done with it, and how it ended is read off in a moment
        return job.stage or "waiting"
    return (progress.stage or "fetch") if progress.at_work else "waiting"


def _share_done(job: Job, stage: str | None, progress: JobProgress | None) -> float | None:
    if job.state is JobState.DONE or stage in _AFTER_RECOGNITION:
        return 1.0
    if job.state in ENDED:
        return None
    if stage == "recognise":
        return progress.stage_share if progress else None
    return 0.0


def _time_left_s(job: Job, stage: str | None, progress: JobProgress | None) -> float | None:
    if job.state in ENDED:
        return 0.0
    if progress is None:
        return None
    if stage == "waiting":
        return None if progress.s_per_call is None else (progress.calls_ahead + 1) * progress.s_per_call
    share, in_stage_s = progress.stage_share, progress.in_stage_s
    if stage != "recognise" or share is None or share < _LEAST_SHARE or in_stage_s is None:
        return None
    return in_stage_s * (1 - share) / share


def event_answer(job_id: str, event: JobEvent) -> EventAnswer:
    is_stage = event.kind == "stage"
    return EventAnswer(job_id=job_id, at=event.at, state=None if is_stage else JobState(event.kind), stage=event.stage)
