"""What a follower of a job is told, and when that ends."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from db.jobs.records import JobEvent, JobProgress
from pipeline.jobs import Job, JobState
from service.jobs.events import events_of
from service.jobs.room import JobRoom

AT = datetime(2026, 9, 1, tzinfo=UTC)


def job(state: JobState) -> Job:
    return Job(
        job_id="j", state=state, submitted_by="me", idempotency_key=None, request_hash="h", file_name="a.wav",
        created_at=AT,
    )  # fmt: skip


def event(number: int, kind: str, stage: str | None = None) -> JobEvent:
    return JobEvent(event_id=number, at=AT, kind=kind, stage=stage)


def progress(share: float) -> JobProgress:
    return JobProgress(
        at_work=True, stage="recognise", stage_share=share, audio_s=9.0, calls_ahead=0, s_per_call=None, in_stage_s=None
    )


class Jobs:
    """Each look at the job is the next of `looks`: the job, its new events, its progress."""

    def __init__(self, looks: list[tuple[Job | None, list[JobEvent], JobProgress | None]]) -> None:
        self._looks = looks
        self.after: list[int] = []

    def job(self, _job_id: str) -> Job | None:
        return self._looks[0][0]

    def events(self, _job_id: str, after: int) -> list[JobEvent]:
        self.after.append(after)
        look = self._looks.pop(0)
        self._progress = look[2]
        return look[1]

    def progress(self, _job_id: str) -> JobProgress | None:
        return self._progress


def followed(jobs: Jobs, after: int) -> list[tuple[str | None, str | None, dict[str, object]]]:
    async def follow() -> list[tuple[str | None, str | None, dict[str, object]]]:
        room = cast(JobRoom, SimpleNamespace(jobs=jobs))
        return [
            (told.event, told.id, json.loads(str(told.data)))
            async for told in events_of(room, job(JobState.QUEUED), after, look_again_s=0.0)
        ]

    return asyncio.run(follow())


def test_events_come_in_order_and_progress_when_it_changes() -> None:
    queued = job(JobState.QUEUED)
    jobs = Jobs([
        (queued, [event(4, "queued"), event(5, "stage", "fetch")], progress(0.25)),
        (queued, [], progress(0.25)),
        (queued, [event(6, "stage", "recognise")], progress(0.5)),
        (job(JobState.DONE), [event(7, "done")], None),
    ])  # fmt: skip
    told = followed(jobs, 3)
    assert [(kind, number) for kind, number, _ in told] == [
        ("state", "4"), ("stage", "5"), ("progress", None), ("stage", "6"), ("progress", None), ("state", "7")
    ]  # fmt: skip
    assert jobs.after == [3, 5, 5, 6]
    assert told[2][2] == {
        "job_id": "j", "stage": "recognise", "share_done": 0.25, "calls_ahead": None, "time_left_s": None
    }  # fmt: skip
    assert told[5][2]["state"] == "done"


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.SKIPPED, JobState.CANCELLED, None])
def test_a_job_that_has_ended_or_is_gone_has_no_more(state: JobState | None) -> None:
    assert followed(Jobs([(job(state) if state else None, [], None)]), 0) == []
