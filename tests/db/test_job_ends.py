"""How a queued job ended: by its claim where there is one, else by the row of its call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from db.jobs.outcomes import Settled, how_it_ended
from db.records import adapter
from pipeline.handled import Handled, HandledAs
from pipeline.jobs import JobEnd, JobState
from pipeline.records import CallFailure, CallMetadata, FoundCall, SkippedFile

AT = datetime(2026, 11, 20, tzinfo=UTC)
FOUND = FoundCall(
    source_uri="file:///a.wav", file_name="a.wav", size_bytes=1, modified_at=AT, etag=None, metadata=CallMetadata()
)
SKIPPED = SkippedFile(
    source_uri="file:///a.wav", file_name="a.wav", size_bytes=1, modified_at=AT, reason="empty", message="it is empty"
)
FAILURE = CallFailure(
    found=FOUND, run_id="r", stage="prepare", error_type="AudioUndecodable", message="noise", transient=False
)
JOB = Settled(job_id="j", outcome=None, claimed=False, call_id=None, status=None, error_type=None, error_message=None)


def ended(handled: Handled, **row: Any) -> JobEnd | None:
    outcome = adapter(Handled).dump_python(handled, mode="json")
    return how_it_ended(replace(JOB, claimed=True, outcome=outcome, **row))


@pytest.mark.parametrize(
    ("handled", "end"),
    [
        (Handled(handled_as=HandledAs.DONE, call_id="c"), JobEnd(job_id="j", state=JobState.DONE, call_id="c")),
        (Handled(handled_as=HandledAs.KEPT), JobEnd(job_id="j", state=JobState.DONE, call_id="row")),
        (
            Handled(handled_as=HandledAs.SKIPPED, skipped=SKIPPED),
            JobEnd(job_id="j", state=JobState.SKIPPED, call_id="row", reason="empty", detail="it is empty"),
        ),
        (
            Handled(handled_as=HandledAs.FAILED, call_id="c", failure=FAILURE),
            JobEnd(job_id="j", state=JobState.FAILED, call_id="c", reason="AudioUndecodable", detail="noise"),
        ),
        (
            Handled(handled_as=HandledAs.LOST),
            JobEnd(job_id="j", state=JobState.FAILED, call_id="row", reason="lost",
                   detail="nothing could be stored about the call; hand it in again"),
        ),
    ],
)  # fmt: skip
def test_a_claim_tells_how_its_job_ended(handled: Handled, end: JobEnd) -> None:
    assert ended(handled, call_id="row", status="failed", error_type="E", error_message="m") == end


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (None, None),
        ("done", JobEnd(job_id="j", state=JobState.DONE, call_id="c")),
        ("skipped", JobEnd(job_id="j", state=JobState.SKIPPED, call_id="c", reason="E", detail="m")),
        ("failed", JobEnd(job_id="j", state=JobState.FAILED, call_id="c", reason="E", detail="m")),
        ("quarantined", JobEnd(job_id="j", state=JobState.FAILED, call_id="c", reason="E", detail="m")),
    ],
)
def test_without_a_claim_the_row_tells(status: str | None, end: JobEnd | None) -> None:
    assert how_it_ended(replace(JOB, call_id="c", status=status, error_type="E", error_message="m")) == end
