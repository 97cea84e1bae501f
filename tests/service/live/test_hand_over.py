"""A live call's recording becomes a job, whatever was said of it; what goes wrong passes or does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.exceptions import HTTPException

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import TerminalError, TransientError
from pipeline.jobs import Job, JobState
from pipeline.live.ports import LiveHeader
from service.jobs.room import JobRoom
from service.live.hand_over import RecordingsToJobs

AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


class Jobs:
    """A room of jobs that keeps what it is given."""

    def __init__(self, folder: Path, state: JobState = JobState.RECEIVING, fails: Exception | None = None) -> None:
        self.folder = SimpleNamespace(part=lambda job_id, name: folder / f"{job_id}-{name}")
        self.opened: list[tuple[Any, ...]] = []
        self.finished: list[bytes] = []
        self._state = state
        self._fails = fails

    def open(self, submission: Any, owner: str, key: str, size: int) -> Job:
        self.opened.append((submission, owner, key, size))
        if self._fails is not None:
            raise self._fails
        return Job(
            job_id="j", state=self._state, submitted_by=owner, idempotency_key=key, request_hash="h",
            file_name="live.wav", created_at=AT, source_uri="file:///kept.wav",
        )  # fmt: skip

    def finish_upload(self, job: Job, part: Path) -> Job:
        self.finished.append(part.read_bytes())
        return job


def header(**said: Any) -> LiveHeader:
    metadata = {"direction": None, "agent_id": None, "customer_segment": None, "language": None, "queue": None,
                "extra": {}} | said  # fmt: skip
    start = SimpleNamespace(metadata=SimpleNamespace(**metadata), roles=("client", "agent"), owner="centre")
    return cast(LiveHeader, SimpleNamespace(session="s-1", file_name="live.wav", started_at=AT, start=start))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "live.wav"
    path.write_bytes(b"RIFFsound")
    return path


def handed(jobs: Jobs, recording: Path, of: LiveHeader) -> Any:
    return RecordingsToJobs(cast(JobRoom, jobs), InputSettings(), 7)(recording, of)


Said = dict[str, Any]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            {"direction": "inbound", "agent_id": "A7", "queue": "billing", "extra": {"shop": "north"}},
            {"direction": "inbound", "agent_id": "A7", "queue": "billing", "shop": "north"},
        ),
        ({"agent_id": "A7", "extra": {"x" * 5000: "y" * 5000}}, {"agent_id": "A7"}),
    ],
)
def test_a_recording_is_handed_in_with_what_can_be_read(said: Said, told: Said, recording: Path) -> None:
    jobs = Jobs(recording.parent)
    done = handed(jobs, recording, header(**said))
    assert (done.job, done.source_uri) == ("j", "file:///kept.wav")
    ((submission, owner, key, size),) = jobs.opened
    assert (owner, key, size) == ("centre", "live-s-1", 9)
    assert (submission.file_name, submission.priority, submission.callback_url) == ("live.wav", 7, None)
    metadata = dict(submission.metadata)
    assert metadata.pop("started_at").startswith("2026-11-20T08:30:00")
    assert metadata.pop("channel_roles") == "client+agent"
    assert metadata == told
    assert jobs.finished == [b"RIFFsound"]


def test_what_was_handed_over_before_is_not_copied_again(recording: Path) -> None:
    jobs = Jobs(recording.parent, JobState.QUEUED)
    assert handed(jobs, recording, header()).job == "j"
    assert jobs.finished == []


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (lambda: HTTPException(500, "later"), TransientError),
        (lambda: HTTPException(507, "the disk is full"), TransientError),
        (lambda: HTTPException(499, "no"), TerminalError),
        (lambda: HTTPException(413, "too large"), TerminalError),
        (lambda: OSError(5, "input/output error"), TransientError),
    ],
)
def test_what_passes_is_tried_again(raised: Callable[[], Exception], error: type[Exception], recording: Path) -> None:
    with pytest.raises(error):
        handed(Jobs(recording.parent, fails=raised()), recording, header())


def test_a_recording_that_is_gone_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match=r"gone\.wav"):
        handed(Jobs(tmp_path), tmp_path / "gone.wav", header())
