"""What the routes of jobs share: the table, the folder, and who is uploading what just now."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fastapi import Request
from starlette.exceptions import HTTPException

from db.jobs.records import NewJob
from pipeline.disk import says_disk_full
from pipeline.jobs import Job, JobState
from pipeline.tracing.origin import current_origin
from service.jobs.folder import RecordingFolder
from service.jobs.gatekeeper import Gatekeeper, Refusal
from service.jobs.outside import OutsideHttp
from service.jobs.receiving import Limits
from service.jobs.submission import Submission

if TYPE_CHECKING:
    from db.jobs.store import PostgresJobs
    from pipeline.config.areas.service import ServiceSettings


@dataclass(frozen=True, slots=True)
class JobRoom:
    """Made once, by `commands.serve`."""

    jobs: PostgresJobs
    folder: RecordingFolder
    gatekeeper: Gatekeeper
    settings: ServiceSettings
    accepted: threading.Event
    """Set when there is something new to plan."""
    to_fetch: threading.Event
    """Set when there is something new to fetch."""
    in_hands: InHands
    outside: OutsideHttp
    secret: str | None
    """Signs callbacks."""

    @property
    def limits(self) -> Limits:
        return Limits(
            most_bytes=int(self.settings.max_recording_mb * 1_000_000),
            most_field_bytes=int(self.settings.max_metadata_kb * 1000),
            stall_s=self.settings.upload_stall_s,
        )

    def open(self, submission: Submission, submitted_by: str, key: str | None, size_bytes: int | None) -> Job:
        """The job of a submission: new, or the one that has its key.

        Raises HTTPException (422) where the key stands for another submission.
        """
        origin = current_origin()
        new = NewJob(
            job_id=str(uuid.uuid4()),
            state=JobState.RECEIVING if submission.recording_url is None else JobState.FETCHING,
            submitted_by=submitted_by,
            idempotency_key=key,
            request_hash=submission.digest,
            file_name=submission.file_name,
            recording_url=submission.recording_url,
            size_bytes=size_bytes,
            metadata=submission.metadata,
            customer_segment=submission.customer_segment,
            queue=submission.queue,
            priority=submission.priority,
            callback_url=submission.callback_url,
            request_id=origin.request_id if origin else None,
            traceparent=origin.traceparent if origin else None,
        )
        job = self.jobs.open(new)
        if job.request_hash != submission.digest:
            raise key_reused("its metadata, name, priority, address or callback")
        return job

    def finish(self, job: Job, part: Path) -> Job:
        """The recording is here: look at it, bring it to its place, accept it. Waits for disk and database.

        Raises Refusal where it is none, and OSError; the part is still there then.
        """
        self.gatekeeper.check(part)
        kept = self.folder.keep(job, part, job.metadata)
        stored = self.jobs.stored(
            job.job_id,
            source_uri=kept.source_uri,
            file_name=kept.file_name,
            size_bytes=kept.size_bytes,
            sha256=kept.sha256,
        )
        if stored.state is JobState.CANCELLED:
            self.folder.drop(stored)
        self.accepted.set()
        return stored

    def finish_upload(self, job: Job, part: Path) -> Job:
        """The same for an upload, which goes as if it had not begun where it is refused.

        Raises HTTPException (415, 507).
        """
        try:
            with told_disk():
                return self.finish(job, part)
        except Refusal as refusal:
            self.give_up(job)
            raise HTTPException(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"This cannot be used: {refusal}. Send a recording, such as WAV, MP3, Ogg or MP4, with sound in it.",
            ) from None

    def give_up(self, job: Job) -> None:
        """An upload goes as if it had not begun."""
        self.jobs.forget(job.job_id)
        self.folder.drop(job)

    def received_bytes(self, job: Job) -> int | None:
        """How much of an upload is here; None where none is under way."""
        if job.state is not JobState.RECEIVING:
            return None
        try:
            return self.folder.part(job.job_id, job.file_name).stat().st_size
        except FileNotFoundError:
            return 0

    def close(self) -> None:
        self.gatekeeper.close()
        self.outside.close()


class InHands:
    """Which jobs are being uploaded just now, and how many may be. Used in the event loop alone."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._places: asyncio.Semaphore | None = None
        self._jobs: set[str] = set()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Waits until one is free."""
        self._places = self._places or asyncio.Semaphore(self._at_once)
        async with self._places:
            yield

    @contextmanager
    def of(self, job_id: str) -> Iterator[None]:
        """Raises HTTPException (409) while another request is uploading the same job."""
        if job_id in self._jobs:
            raise HTTPException(
                HTTPStatus.CONFLICT,
                "Another request is uploading this recording just now.",
                {"Retry-After": "2", "Connection": "close"},
            )
        self._jobs.add(job_id)
        try:
            yield
        finally:
            self._jobs.discard(job_id)

    @property
    def jobs(self) -> frozenset[str]:
        return frozenset(self._jobs)


@contextmanager
def told_disk() -> Iterator[None]:
    """A full disk is told as such; what was received so far stays. Raises HTTPException (507)."""
    try:
        yield
    except OSError as error:
        if not says_disk_full(error):
            raise
        raise HTTPException(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "The disk for recordings is full. Nothing that was accepted is lost; try again later.",
            {"Retry-After": "60"},
        ) from None


def key_reused(what: str) -> HTTPException:
    return HTTPException(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"This Idempotency-Key stands for a submission that differs from this one ({what}). Use a new key.",
    )


def job_room(request: Request) -> JobRoom:
    """For a route's signature."""
    return cast(JobRoom, request.app.state.jobs)
