"""What follows a live call: its recording goes the way of every recording that is handed in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from pipeline.config.areas.sources import InputSettings
from pipeline.encryption.changing import is_changing
from pipeline.encryption.here import open_file
from pipeline.errors import EarshotError, TerminalError, TransientError, described
from pipeline.jobs import Job, JobState
from pipeline.live.ports import HandedOver, LiveHeader
from pipeline.records import Role
from service.jobs.room import JobRoom
from service.jobs.submission import CallDescription, Submission
from service.jobs.submission import described as submission_of

_COPIED_BYTES = 1 << 20


class RecordingsToJobs:
    """`HandOver` to the jobs of the service, under the session as its idempotency key."""

    def __init__(self, jobs: JobRoom, settings: InputSettings, priority: int) -> None:
        self._jobs = jobs
        self._settings = settings
        self._priority = priority

    def __call__(self, recording: Path, header: LiveHeader) -> HandedOver:
        try:
            job = self._submitted(recording, header)
        except HTTPException as error:
            passing = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
            kind: type[EarshotError] = TransientError if passing else TerminalError
            raise kind(str(error.detail)) from error
        except OSError as error:
            raise TransientError(f"{recording.name}: {described(error)}") from error
        return HandedOver(job=job.job_id, source_uri=job.source_uri)

    def _submitted(self, recording: Path, header: LiveHeader) -> Job:
        sealed = is_changing(recording)
        with open_file(recording) as content:
            size = content.seek(0, os.SEEK_END)
        job = self._jobs.open(self._submission(header), header.start.owner, f"live-{header.session}", size)
        if job.state is not JobState.RECEIVING:
            return job  # it was handed over before
        part = self._jobs.folder.part(job.job_id, job.file_name)
        part.unlink(missing_ok=True)
        if sealed:  # plain as every recording that arrives, until it is sniffed
            with open_file(recording) as content, part.open("wb") as arriving:
                shutil.copyfileobj(content, arriving, _COPIED_BYTES)
        else:
            try:
                os.link(recording, part)
            except OSError:  # another file system
                shutil.copyfile(recording, part)
        return self._jobs.finish_upload(job, part)

    def _submission(self, header: LiveHeader) -> Submission:
        """With as much of the metadata as can be read: a call is not lost for what is said of it."""
        why: Exception | None = None
        for values in _descriptions(header):
            try:
                description = CallDescription.model_validate(values)
                return submission_of(
                    header.file_name, description, self._settings, priority=self._priority, callback_url=None
                )
            except (ValidationError, RequestValidationError, HTTPException) as error:
                why = error
        raise TerminalError(f"{header.file_name}: not even its name can be handed in") from why


def _descriptions(header: LiveHeader) -> Iterator[Mapping[str, str]]:
    """All that the client said; what it said in fields of their own; when the call began."""
    said, roles = header.start.metadata, header.start.roles
    known = {
        "started_at": header.started_at.isoformat(),
        "direction": said.direction,
        "agent_id": said.agent_id,
        "customer_segment": said.customer_segment,
        "language": said.language,
        "queue": said.queue,
        "channel_roles": "+".join(roles) if Role.UNKNOWN not in roles else None,
    }
    given = {name: str(value) for name, value in known.items() if value is not None}
    yield {**said.extra, **given}
    yield given
    yield {"started_at": given["started_at"]}
