"""What a job's answer says of where it is."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from db.jobs.records import JobEvent, JobProgress
from pipeline.jobs import Job, JobState
from service.jobs.answers import event_answer, job_answer
from tests.pinned import assert_pinned

AT = datetime(2026, 9, 1, tzinfo=UTC)


def progress(*, at_work: bool, stage: str | None, **changes: Any) -> JobProgress:
    values: dict[str, Any] = {
        "stage_share": None, "audio_s": 9.0, "calls_ahead": 2, "s_per_call": 3.0, "in_stage_s": None
    }  # fmt: skip
    return JobProgress(at_work=at_work, stage=stage, **(values | changes))


def job(state: JobState, **changes: Any) -> Job:
    values: dict[str, Any] = {"request_hash": "h", "file_name": "a.wav", "created_at": AT}
    return Job(job_id="j", state=state, submitted_by="me", idempotency_key=None, **(values | changes))


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
    assert job_answer(job(JobState.QUEUED, stage=told), now).stage == stage


PROGRESS = {
    "none": None,
    "waiting": progress(at_work=False, stage=None),
    "waiting, no speed": progress(at_work=False, stage="recognise", s_per_call=None),
    "fetch": progress(at_work=True, stage=None, stage_share=0.5, in_stage_s=1.0),
    "recognise": progress(at_work=True, stage="recognise", stage_share=0.25, in_stage_s=6.0),
    "just begun": progress(at_work=True, stage="recognise", stage_share=0.05, in_stage_s=1.0),
    "too early": progress(at_work=True, stage="recognise", stage_share=0.04, in_stage_s=1.0),
    "no share": progress(at_work=True, stage="recognise", in_stage_s=1.0),
    "no time": progress(at_work=True, stage="recognise", stage_share=0.5),
    "analyse": progress(at_work=True, stage="analyse", stage_share=0.5, in_stage_s=2.0),
    "store": progress(at_work=True, stage="store"),
}


def test_what_is_told_of_every_state_and_stage() -> None:
    lines = []
    for state, name in [*product(JobState, ("none", "recognise")), *product((JobState.QUEUED,), PROGRESS)]:
        now = PROGRESS[name]
        told = job_answer(job(state, call_id="c", callback_url="https://a.example/", callback_attempts=2), now, 7)
        figures = [told.stage, told.share_done, told.calls_ahead, told.time_left_s, told.received_bytes]
        lines.append(f"{state.value} {name}: {figures} {told.callback} {told.links}")
    assert_pinned("jobs.txt", "\n".join(lines))


def test_a_job_without_a_call_or_a_callback_leads_to_none() -> None:
    told = job_answer(job(JobState.DONE))
    assert (told.links.call, told.links.page, told.callback) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "stage", "told"), [("done", None, (JobState.DONE, None)), ("stage", "store", (None, "store"))]
)
def test_an_event_is_of_a_state_or_of_a_stage(kind: str, stage: str | None, told: tuple[object, object]) -> None:
    answer = event_answer("j", JobEvent(event_id=1, at=AT, kind=kind, stage=stage))
    assert (answer.job_id, answer.at, answer.state, answer.stage) == ("j", AT, *told)
