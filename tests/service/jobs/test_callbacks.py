"""When a callback that failed is tried again, and when it is given up."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.jobs import Job, JobState
from service.jobs.callbacks import SIGNATURE, Callbacks, signature
from service.jobs.outside import ForbiddenAddress, NotNow, Refused
from service.jobs.room import JobRoom

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def job(attempts: int = 0, ended_at: datetime | None = NOW) -> Job:
    return Job(
        job_id="j", state=JobState.DONE, submitted_by="me", idempotency_key=None, request_hash="h", file_name="a.wav",
        created_at=NOW, ended_at=ended_at, callback_url="https://a.example/", callback_attempts=attempts,
    )  # fmt: skip


class Room:
    """What callbacks need of a room: one job that is due, and an address that answers with `error`."""

    def __init__(self, due: Job, error: Exception | None = None, *, secret: str | None = "s") -> None:
        self.due, self.error, self.secret = due, error, secret
        self.settings = SimpleNamespace(callback_timeout_s=5.0, callback_for_h=24.0)
        self.jobs = self.outside = self
        self.asked: list[Any] = []
        self.posted: list[Any] = []
        self.told: list[Any] = []

    def to_call_back(self, most: int, held_s: float) -> list[Job]:
        self.asked.append((most, held_s))
        return [self.due]

    def post(self, address: str, content: bytes, headers: dict[str, str], limit_s: float) -> None:
        self.posted.append((address, content, headers, limit_s))
        if self.error is not None:
            raise self.error

    def called_back(self, job_id: str) -> None:
        self.told.append(job_id)

    def not_called_back(self, job_id: str, error: str, again_in_s: float | None) -> None:
        self.told.append((job_id, error, again_in_s))


def beaten(room: Room) -> list[Any]:
    callbacks = Callbacks(cast(JobRoom, room), now=lambda: NOW)
    callbacks.beat()
    callbacks.close()
    return room.told


def test_what_is_posted_is_signed_and_held_for_longer_than_it_takes() -> None:
    room = Room(job())
    assert beaten(room) == ["j"]
    assert room.asked == [(8, 65.0)]
    ((address, content, headers, limit_s),) = room.posted
    assert (address, limit_s, headers["Content-Type"]) == ("https://a.example/", 5.0, "application/json")
    assert b'"callback"' not in content
    sent_s = int(headers[SIGNATURE].partition(",")[0].removeprefix("t="))
    assert headers[SIGNATURE] == signature("s", sent_s, content)
    assert signature("s", 7, b"x") == f"t=7,v1={hmac.new(b's', b'7.x', 'sha256').hexdigest()}"


@pytest.mark.parametrize(
    ("attempts", "ended_h_ago", "error", "again"),
    [
        (0, 0.0, NotNow("away"), True),
        (2, 0.0, Refused("no"), True),
        (9, 0.0, NotNow("away"), True),
        (0, 0.0, ForbiddenAddress("private"), False),
        (0, 23.9, NotNow("away"), True),
        (0, 24.0, NotNow("away"), False),
        (9, 23.6, NotNow("away"), False),
    ],
)
def test_a_callback_that_failed(attempts: int, ended_h_ago: float, error: Exception, again: bool) -> None:
    ((job_id, why, again_in_s),) = beaten(Room(job(attempts, NOW - timedelta(hours=ended_h_ago)), error))
    assert (job_id, why) == ("j", str(error))
    longest_s = min(3600.0, 10.0 * 2**attempts)
    assert again_in_s is None if not again else longest_s / 2 <= again_in_s <= longest_s


def test_without_an_end_its_time_begins_now_and_without_a_secret_nobody_is_called() -> None:
    ((_, _, again_in_s),) = beaten(Room(job(ended_at=None), NotNow("away")))
    assert again_in_s is not None
    assert beaten(room := Room(job(), secret=None)) == []
    assert room.asked == []
