"""Callbacks: whoever asked is told when a job has ended. Signed, and repeated until accepted, across restarts."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from pipeline.errors import EarshotError
from pipeline.jobs import Job
from pipeline.retries import pause_s
from service.jobs.answers import job_answer
from service.jobs.outside import ForbiddenAddress
from service.jobs.room import JobRoom

log = logging.getLogger("earshot.service")

SIGNATURE = "Earshot-Signature"
_AT_ONCE = 8
_FIRST_WAIT_S = 10.0
_LONGEST_WAIT_S = 3600.0
_SPARE_S = 60.0


class Callbacks:
    """`beat` every few seconds."""

    def __init__(self, room: JobRoom, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._room = room
        self._now = now
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="call back")

    def beat(self) -> None:
        if self._room.secret is None:
            return
        held_s = self._room.settings.callback_timeout_s + _SPARE_S
        due = self._room.jobs.to_call_back(_AT_ONCE, held_s)
        list(self._pool.map(self._call, due))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _call(self, job: Job) -> None:
        assert job.callback_url is not None
        assert self._room.secret is not None
        body = job_answer(job).model_dump_json(exclude={"callback"}).encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._room.secret, int(time.time()), body),
        }
        try:
            self._room.outside.post(job.callback_url, body, headers, self._room.settings.callback_timeout_s)
        except EarshotError as error:
            self._again(job, error)
        else:
            self._room.jobs.called_back(job.job_id)

    def _again(self, job: Job, error: EarshotError) -> None:
        """An address that is forbidden stays so; another may take it later, even after it refused."""
        wait_s = pause_s(job.callback_attempts + 1, _FIRST_WAIT_S, _LONGEST_WAIT_S)
        given_up_at = (job.ended_at or self._now()) + timedelta(hours=self._room.settings.callback_for_h)
        over = isinstance(error, ForbiddenAddress) or self._now() + timedelta(seconds=wait_s) > given_up_at
        if over:
            log.warning("job %s: the callback was given up: %s", job.job_id, error)
        self._room.jobs.not_called_back(job.job_id, str(error), None if over else wait_s)


def signature(secret: str, sent_s: int, body: bytes) -> str:
    """`t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body" in hexadecimal digits>`."""
    made = hmac.new(secret.encode(), b"%d." % sent_s + body, hashlib.sha256).hexdigest()
    return f"t={sent_s},v1={made}"
