"""What a job's answer says of where it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from db.jobs.records import JobProgress
from pipeline.jobs import Job, JobState
from service.jobs.answers import job_answer


def progress(*, at_work: bool, stage: str | None) -> JobProgress:
    return JobProgress(
        at_work=at_work, stage=stage, stage_share=None, audio_s=9.0, calls_ahead=2, s_per_call=3.0, in_stage_s=None
    )


@pytest.mark.parametrize(
    ("told", "now", "stage"),
    [
        (None, None, "waiting"),
        (None, progress(at_work=False, stage=None), "waiting"),
        (None, progress(at_work=True, stage=None), "fetch"),
        ("prepare", progress(at_work=True, stage="recognise"), "recognise"),
        ("recognise", progress(at_work=False, stage="recognise"), "waiting"),
        ("analyse", None, "analyse"),
    ],
    ids=["unclaimed", "claimed by nobody", "taken", "under way", "its worker died", "done with, not read off yet"],
)
def test_a_queued_jobs_stage(told: str | None, now: JobProgress | None, stage: str) -> None:
    """`waiting` came last of all while the end of its call was still to be read off."""
    job = Job(
        job_id="j", state=JobState.QUEUED, submitted_by="me", idempotency_key=None, request_hash="h", file_name="a.wav",
        stage=told, created_at=datetime(2026, 9, 1, tzinfo=UTC),
    )  # fmt: skip
    assert job_answer(job, now).stage == stage
