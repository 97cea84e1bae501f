"""Recordings fetched from addresses, and those who asked for it called back: over HTTP on this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from pipeline.jobs import Job, JobEnd, JobState
from service.jobs.callbacks import SIGNATURE, Callbacks
from service.jobs.fetching import Fetcher
from service.jobs.room import JobRoom
from tests.loopback import Reply, Request, listening
from tests.service.jobs.conftest import SECRET
from tests.waiting import until


class Other:
    """The system that hands calls in: serves a recording, takes callbacks."""

    def __init__(self, recording: bytes) -> None:
        self.recording = recording
        self.statuses: list[int] = []
        """Answered first, one by one; then 200."""
        self.asked = 0
        self.told: list[tuple[str, bytes]] = []
        self.port = 0

    def __call__(self, request: Request) -> Reply:
        status = self.statuses.pop(0) if self.statuses else 200
        if request.method == "POST":
            self.told.append((request.headers[SIGNATURE.lower()], request.body))
            return Reply(status)
        self.asked += 1
        return Reply(status, {"/large": b"x" * 600_000, "/empty": b""}.get(request.target, self.recording))


@pytest.fixture
def other(wav: bytes) -> Iterator[Other]:
    one = Other(wav)
    with listening(one) as server:
        one.port = server.port
        yield one


@pytest.fixture
def fetcher(job_room: JobRoom) -> Iterator[Fetcher]:
    one = Fetcher(job_room, first_wait_s=0.01)
    yield one
    one.close()


def by_address(client: TestClient, other: Other, path: str = "/a.wav", **more: object) -> str:
    answer = client.post("/v1/jobs", json={"recording_url": f"http://127.0.0.1:{other.port}{path}", **more})
    assert (answer.status_code, answer.json()["state"]) == (202, "fetching")
    return str(answer.json()["job_id"])


def left_fetching(job_room: JobRoom, job_id: str) -> Job | None:
    job = job_room.jobs.job(job_id)
    assert job is not None
    return None if job.state is JobState.FETCHING else job


def test_a_recording_is_fetched(client: TestClient, job_room: JobRoom, other: Other, fetcher: Fetcher) -> None:
    other.statuses = [503, 500]
    job_id = by_address(client, other, metadata={"agent_id": "7"})
    fetcher.beat()
    job = until(lambda: left_fetching(job_room, job_id))
    assert (job.state, job.file_name, other.asked) == (JobState.ACCEPTED, "a.wav", 3)
    assert job.recording_url is None, "it may hold a key"


NOT_FETCHED: dict[str, tuple[str, list[int], str, int]] = {
    "not there": ("/a", [404], "fetch_refused", 1),
    "away for long": ("/a", [503, 503, 503], "fetch_failed", 3),
    "too large": ("/large", [], "fetch_refused", 1),
    "empty": ("/empty", [], "fetch_refused", 1),
    "no recording": ("/a", [], "not_a_recording", 1),
}


@pytest.mark.parametrize("name", NOT_FETCHED)
def test_why_one_was_not_fetched_is_told(
    client: TestClient, job_room: JobRoom, other: Other, fetcher: Fetcher, name: str
) -> None:
    path, statuses, reason, asked = NOT_FETCHED[name]
    other.statuses, other.recording = list(statuses), b"only words, " * 300
    job_id = by_address(client, other, path)
    fetcher.beat()
    job = until(lambda: left_fetching(job_room, job_id))
    assert (job.state, job.reason, other.asked) == (JobState.FAILED, reason, asked)


def test_what_is_called_off_while_it_is_fetched_stays_so(
    client: TestClient, job_room: JobRoom, other: Other, fetcher: Fetcher
) -> None:
    job_id = by_address(client, other)
    client.delete(f"/v1/jobs/{job_id}")
    fetcher.beat()
    job = job_room.jobs.job(job_id)
    assert job is not None
    assert job.state is JobState.CANCELLED
    assert other.asked == 0


def ended(client: TestClient, job_room: JobRoom, other: Other, wav: bytes) -> str:
    """A job whose end is to be told."""
    answer = client.post(
        "/v1/jobs",
        content=wav,
        headers={"Content-Type": "audio/wav"},
        params={"callback_url": f"http://127.0.0.1:{other.port}/told?token=1"},
    )
    job_id = str(answer.json()["job_id"])
    job_room.jobs.end([JobEnd(job_id=job_id, state=JobState.FAILED, reason="AudioUndecodable", detail="no")])
    return job_id


def test_the_end_is_told_and_signed(client: TestClient, job_room: JobRoom, other: Other, wav: bytes) -> None:
    job_id = ended(client, job_room, other, wav)
    callbacks = Callbacks(job_room)
    callbacks.beat()
    callbacks.beat()
    ((signed, body),) = other.told
    at, made = (part.partition("=")[2] for part in signed.split(","))
    assert abs(int(at) - time.time()) < 600
    assert made == hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    told = json.loads(body)
    assert (told["job_id"], told["state"], told["reason"]) == (job_id, "failed", "AudioUndecodable")
    assert client.get(f"/v1/jobs/{job_id}").json()["callback"]["delivered_at"] is not None


def test_a_callback_that_is_not_taken_is_tried_again_by_whoever_serves_then(
    client: TestClient, job_room: JobRoom, other: Other, wav: bytes
) -> None:
    job_id = ended(client, job_room, other, wav)
    other.statuses = [500]
    Callbacks(job_room).beat()
    said = client.get(f"/v1/jobs/{job_id}").json()["callback"]
    assert (said["attempts"], said["delivered_at"]) == (1, None)
    assert "500" in said["error"]
    Callbacks(job_room).beat()
    assert len(other.told) == 1, "not at once"
    with job_room.jobs._database.connection() as connection:
        connection.execute("UPDATE jobs SET callback_due_at = now()")
    Callbacks(job_room).beat()
    assert client.get(f"/v1/jobs/{job_id}").json()["callback"]["delivered_at"] is not None


def test_a_callback_is_given_up_in_the_end(client: TestClient, job_room: JobRoom, other: Other, wav: bytes) -> None:
    job_id = ended(client, job_room, other, wav)
    other.statuses = [500]
    Callbacks(job_room, now=lambda: datetime.now(UTC) + timedelta(days=2)).beat()
    with job_room.jobs._database.connection() as connection:
        (due,) = connection.execute("SELECT callback_due_at FROM jobs WHERE job_id = %s", [job_id]).fetchone() or (1,)
    assert due is None


def test_without_a_secret_no_callback_is_promised(client: TestClient, job_room: JobRoom, wav: bytes) -> None:
    client.app.state.jobs = replace(job_room, secret=None)  # type: ignore[attr-defined]
    answer = client.post("/v1/jobs", content=wav, params={"callback_url": "https://example.com/"})
    assert answer.status_code == 422
    assert "EARSHOT_CALLBACK_SECRET" in answer.json()["detail"]
