"""The three ways in which a recording is handed in: at an address, as the body, in a form."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pipeline.jobs import Job, JobState
from service.jobs.outside import ForbiddenAddress
from service.jobs.receiving import Form, digest_of, invalid, paced, receive, small_body, too_large
from service.jobs.room import JobRoom, key_reused, told_disk
from service.jobs.submission import RecordingAtAddress, Submission, described, located, submission

_HOW = (
    "send it as the body, as a file in the field recording of a form, or its address as JSON (recording_url), of which "
    "/v1/docs has examples"
)


async def by_address(request: Request, room: JobRoom, by: str, key: str | None) -> Job:
    """A job whose recording is fetched later. Raises RequestValidationError, HTTPException."""
    body = await small_body(request.stream(), room.limits)
    try:
        asked = RecordingAtAddress.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(located(error, "body")) from None
    name = asked.file_name or (asked.recording_url.path or "").rpartition("/")[2] or "recording"
    wanted = await run_in_threadpool(
        described,
        name,
        asked.metadata,
        request.app.state.context.settings.input,
        priority=asked.priority,
        callback_url=asked.callback_url,
        recording_url=asked.recording_url,
    )
    _check_addresses(room, wanted)
    found = await run_in_threadpool(room.open, wanted, by, key, None)
    room.to_fetch.set()
    return found


async def by_body(
    request: Request, room: JobRoom, by: str, key: str | None, wanted: Submission, *, complete: bool
) -> Job:
    """The recording is the body, or its beginning. Raises HTTPException."""
    _check_addresses(room, wanted)
    announced = _announced(request) if complete else None
    if announced is not None and announced > room.limits.most_bytes:
        raise too_large(room.limits.most_bytes)
    async with room.in_hands.place():
        found = await run_in_threadpool(room.open, wanted, by, key, announced)
        with room.in_hands.of(found.job_id):
            if found.state is not JobState.RECEIVING:
                await _same_recording(found, request.stream(), room)
                return found
            return await take(request.stream(), room, found, 0, complete=complete)


async def by_form(request: Request, room: JobRoom, by: str, key: str | None) -> Job:
    """The fields may come after the file: the job begins when all of it is here. What was cut off is not kept."""
    announced = _announced(request)
    if announced is not None and announced > room.limits.most_bytes + room.limits.most_field_bytes:
        raise too_large(room.limits.most_bytes)
    form = Form(request.headers["content-type"], room.limits)
    arriving = room.folder.part(uuid.uuid4().hex, "")
    async with room.in_hands.place():
        try:
            with told_disk():
                size = await receive(form.file(paced(request.stream(), room.limits.stall_s)), arriving, 0, room.limits)
            if form.file_name is None:
                raise invalid("the form has no file; send the recording as a file in the field recording")
            if size == 0:
                raise invalid(f"the field recording is empty; {_HOW}")
            wanted = await run_in_threadpool(
                submission, form.fields, request.app.state.context.settings.input, form.file_name
            )
            _check_addresses(room, wanted)
            found = await run_in_threadpool(room.open, wanted, by, key, size)
            with room.in_hands.of(found.job_id):
                if found.state is not JobState.RECEIVING:
                    await _same_recording(found, _pieces(arriving), room)
                    return found
                part = room.folder.part(found.job_id, found.file_name)
                await run_in_threadpool(arriving.replace, part)
                return await run_in_threadpool(room.finish_upload, found, part)
        finally:
            arriving.unlink(missing_ok=True)


async def take(body: AsyncIterator[bytes], room: JobRoom, job: Job, offset: int, *, complete: bool) -> Job:
    part = room.folder.part(job.job_id, job.file_name)
    with told_disk():
        try:
            size = await receive(body, part, offset, room.limits)
        except HTTPException as error:
            if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                await run_in_threadpool(room.give_up, job)
            raise
    if not complete:
        return job
    if size == 0:
        await run_in_threadpool(room.give_up, job)
        raise invalid(f"the recording is empty; {_HOW}")
    return await asyncio.shield(run_in_threadpool(room.finish_upload, job, part))


async def _same_recording(job: Job, body: AsyncIterator[bytes], room: JobRoom) -> None:
    """Raises HTTPException (422) where the recording sent with a known key is another one."""
    with contextlib.suppress(ClientDisconnect):
        sha256 = await digest_of(paced(body, room.limits.stall_s))
        if job.recording_sha256 is not None and sha256 != job.recording_sha256:
            raise key_reused("the recording")


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await run_in_threadpool(file.read, 1 << 20):
            yield piece


def _check_addresses(room: JobRoom, wanted: Submission) -> None:
    """What can be said of addresses without asking anybody. Raises HTTPException (422)."""
    if wanted.callback_url is not None and room.secret is None:
        raise invalid(
            "callback_url: this server has no secret to sign callbacks with; "
            f"whoever runs it sets {room.settings.callback_secret_env}"
        )
    for field, address in (("callback_url", wanted.callback_url), ("recording_url", wanted.recording_url)):
        if address is not None:
            try:
                room.outside.check_form(address)
            except ForbiddenAddress as error:
                raise invalid(f"{field}: {error}") from None


def _announced(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 18 else None
