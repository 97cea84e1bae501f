"""/v1/jobs: handing calls in, following them, and calling them off."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from db.jobs.records import JobsWanted, SeenBy
from pipeline.jobs import Job, JobState
from service.access import Principal, Scope, needs
from service.jobs.answers import EventAnswer, JobAnswer, JobList, job_answer
from service.jobs.events import followed
from service.jobs.outside import ForbiddenAddress
from service.jobs.receiving import Form, digest_of, drain, invalid, paced, receive, small_body, too_large
from service.jobs.room import JobRoom, job_room, key_reused, told_disk
from service.jobs.submission import LONGEST_URL, LONGEST_VALUE, RecordingAtAddress, Submission, described, submission

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
Room = Annotated[JobRoom, Depends(job_room)]
Submitter = Annotated[Principal, Depends(needs(Scope.SUBMIT))]
JobId = Annotated[uuid.UUID, Path(description="The job.")]
_PRINTABLE = r"^[!-~]+$"
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=_PRINTABLE,
        description="Any text of yours that stands for this submission. Sent again with the same key, it is not taken "
        "twice: the answer is the same job, whether it has ended, waits or was cut off in mid-upload.",
    ),
]
UploadComplete = Annotated[
    str | None,
    Header(
        pattern=r"^\?[01]$",
        description="`?0`: more of the recording follows, in PATCH requests. `?1`: this is its end.",
    ),
]
_MOST_LISTED = 200
_FORM = "multipart/form-data"
_JSON = "application/json"
_BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The recording itself, a form with it, or the address where it is.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            "audio/*": {"schema": {"type": "string", "format": "binary"}},
            _FORM: {
                "schema": {
                    "type": "object",
                    "required": ["recording"],
                    "properties": {
                        "recording": {"type": "string", "format": "binary", "description": "The recording."},
                        "metadata": {"type": "string", "description": "JSON, see CallDescription."},
                        "priority": {"type": "integer", "minimum": -9, "maximum": 9, "default": 0},
                        "callback_url": {"type": "string", "format": "uri"},
                        "file_name": {"type": "string", "maxLength": LONGEST_VALUE},
                    },
                }
            },
            _JSON: {"schema": RecordingAtAddress.model_json_schema(ref_template="#/components/schemas/{model}")},
        },
    }
}


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    openapi_extra=_BODIES,
    responses={201: {"model": JobAnswer, "description": "More of the recording follows (`Upload-Complete: ?0`)."}},
)
async def submit(  # noqa: PLR0917 - FastAPI calls it by name
    request: Request,
    response: Response,
    room: Room,
    who: Submitter,
    idempotency_key: IdempotencyKey = None,
    upload_complete: UploadComplete = None,
    file_name: Annotated[
        str | None, Query(max_length=LONGEST_VALUE, description="Of a recording sent as the body.")
    ] = None,
    metadata: Annotated[
        str | None, Query(max_length=100_000, description="JSON, see CallDescription; of a recording sent as the body.")
    ] = None,
    priority: Annotated[int, Query(ge=-9, le=9, description="Of a recording sent as the body.")] = 0,
    callback_url: Annotated[
        str | None, Query(max_length=LONGEST_URL, description="Of a recording sent as the body.")
    ] = None,
) -> JobAnswer:
    """Hand a call in. 202: the recording is on the disk and its job in the database, and no crash loses them.

    An upload that was cut off is continued by PATCH of `links.recording`, which GET of the job, or of the list with
    `idempotency_key`, tells.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    by = who.name
    try:
        if media_type == _JSON:
            job = await _by_address(request, room, by, idempotency_key)
        elif media_type == _FORM:
            job = await _by_form(request, room, by, idempotency_key)
        else:
            given = {
                name: value
                for name, value in (("metadata", metadata), ("priority", str(priority)), ("callback_url", callback_url))
                if value
            }
            wanted = await run_in_threadpool(
                submission, given, request.app.state.shared.settings.input, file_name, media_type
            )
            job = await _by_body(request, room, by, idempotency_key, wanted, complete=upload_complete != "?0")
    except HTTPException as error:
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            await drain(request.stream())
        raise
    if job.state is JobState.RECEIVING:
        response.status_code = HTTPStatus.CREATED
        response.headers["Location"] = f"/v1/jobs/{job.job_id}/recording"
    else:
        response.headers["Location"] = f"/v1/jobs/{job.job_id}"
    return await _answer(room, job)


@router.get("")
def jobs(  # noqa: PLR0917 - FastAPI calls it by name
    room: Room,
    who: Submitter,
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    idempotency_key: Annotated[
        str | None, Query(max_length=200, pattern=_PRINTABLE, description="Only the job with this key.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_LISTED, description="Jobs on a page.")] = 50,
    after: Annotated[uuid.UUID | None, Query(description="job_id of the last one of the page before.")] = None,
) -> JobList:
    """Jobs, the newest first."""
    wanted = JobsWanted(
        seen_by=_seen_by(who), state=state, idempotency_key=idempotency_key, after=str(after) if after else None
    )
    found = room.jobs.listed(wanted, limit + 1)
    listed = found[:limit]
    following = None
    if len(found) > limit:
        query = {"state": state.value if state else None, "limit": limit, "after": listed[-1].job_id}
        following = f"/v1/jobs?{urlencode({name: value for name, value in query.items() if value is not None})}"
    return JobList(jobs=tuple(_told(room, job) for job in listed), next=following)


@router.get("/{job_id}")
def job(job_id: JobId, room: Room, who: Submitter) -> JobAnswer:
    """How far a job is."""
    return _told(room, _found(room, job_id, who))


@router.delete("/{job_id}")
def cancel(job_id: JobId, room: Room, who: Submitter) -> JobAnswer:
    """Call a job off. A call under way is dropped, and the recording that was handed in is deleted.

    A job that has ended stays as it is (409); calls that are done are deleted under /v1/calls.
    """
    found = _found(room, job_id, who)
    if found.state is not JobState.CANCELLED:
        ended = room.jobs.cancel(found.job_id)
        assert ended is not None
        if ended.state is not JobState.CANCELLED:
            raise HTTPException(HTTPStatus.CONFLICT, f"The job has ended: {ended.state.value}. Nothing was changed.")
        room.folder.drop(ended)
        found = ended
    return _told(room, found)


@router.get(
    "/{job_id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events: `state` and `stage` with an id, and `progress` without one. The stream "
            "ends when the job has ended.",
            "content": {"text/event-stream": {"schema": EventAnswer.model_json_schema()}},
        }
    },
)
def events(
    job_id: JobId,
    room: Room,
    who: Submitter,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$", description="Go on after this event.")] = None,
) -> Response:
    """What happens to a job, as it happens."""
    return followed(room, _found(room, job_id, who), int(last_event_id or 0))


@router.head("/{job_id}/recording", status_code=HTTPStatus.NO_CONTENT)
def upload_offset(job_id: JobId, room: Room, who: Submitter) -> Response:
    """How much of an upload is here: `Upload-Offset`, `Upload-Complete`."""
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=_upload_headers(room, _found(room, job_id, who)))


@router.patch(
    "/{job_id}/recording",
    status_code=HTTPStatus.ACCEPTED,
    responses={201: {"model": JobAnswer, "description": "More of the recording follows (`Upload-Complete: ?0`)."}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/partial-upload": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def go_on(  # noqa: PLR0917 - FastAPI calls it by name
    request: Request,
    response: Response,
    job_id: JobId,
    room: Room,
    who: Submitter,
    upload_offset: Annotated[int, Header(ge=0, description="Where this part begins: what HEAD says is here.")],
    upload_complete: UploadComplete = "?1",
) -> JobAnswer:
    """Go on with an upload that was cut off, or begun with `Upload-Complete: ?0`."""
    found = await run_in_threadpool(_found, room, job_id, who)
    if found.state is not JobState.RECEIVING:
        raise HTTPException(HTTPStatus.CONFLICT, f"The upload is complete; the job is {found.state.value}.")
    async with room.in_hands.place():
        with room.in_hands.of(found.job_id):
            here = _received_bytes(room, found) or 0
            if upload_offset != here:
                raise HTTPException(
                    HTTPStatus.CONFLICT, f"{here} bytes are here; go on from there.", _upload_headers(room, found)
                )
            found = await _take(request.stream(), room, found, here, complete=upload_complete != "?0")
    if found.state is JobState.RECEIVING:
        response.status_code = HTTPStatus.CREATED
    response.headers.update(_upload_headers(room, found))
    return await _answer(room, found)


async def _by_address(request: Request, room: JobRoom, by: str, key: str | None) -> Job:
    body = await small_body(request.stream(), room.limits)
    try:
        asked = RecordingAtAddress.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in faults]) from None
    name = asked.file_name or (asked.recording_url.path or "").rpartition("/")[2] or "recording"
    wanted = await run_in_threadpool(
        described,
        name,
        asked.metadata,
        request.app.state.shared.settings.input,
        priority=asked.priority,
        callback_url=asked.callback_url,
        recording_url=asked.recording_url,
    )
    _check_addresses(room, wanted)
    found = await run_in_threadpool(room.open, wanted, by, key, None)
    room.to_fetch.set()
    return found


async def _by_body(
    request: Request, room: JobRoom, by: str, key: str | None, wanted: Submission, *, complete: bool
) -> Job:
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
            return await _take(request.stream(), room, found, 0, complete=complete)


async def _by_form(request: Request, room: JobRoom, by: str, key: str | None) -> Job:
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
            wanted = await run_in_threadpool(
                submission, form.fields, request.app.state.shared.settings.input, form.file_name
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


async def _take(body: AsyncIterator[bytes], room: JobRoom, job: Job, offset: int, *, complete: bool) -> Job:
    part = room.folder.part(job.job_id, job.file_name)
    with told_disk():
        try:
            size = await receive(body, part, offset, room.limits)
        except HTTPException as error:
            if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                await run_in_threadpool(_give_up, room, job)
            raise
    if not complete:
        return job
    if size == 0:
        await run_in_threadpool(_give_up, room, job)
        raise invalid("the recording is empty")
    return await asyncio.shield(run_in_threadpool(room.finish_upload, job, part))


def _give_up(room: JobRoom, job: Job) -> None:
    room.jobs.forget(job.job_id)
    room.folder.drop(job)


async def _same_recording(job: Job, body: AsyncIterator[bytes], room: JobRoom) -> None:
    """Raises HTTPException (422) where the recording sent with a known key is another one."""
    with contextlib.suppress(ClientDisconnect):
        sha256 = await digest_of(paced(body, room.limits.stall_s))
        if job.recording_sha256 is not None and sha256 != job.recording_sha256:
            raise key_reused("the recording")


async def _pieces(path: Any) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await run_in_threadpool(file.read, 1 << 20):
            yield piece


def _check_addresses(room: JobRoom, wanted: Submission) -> None:
    """What can be said of addresses without asking anybody. Raises HTTPException (422)."""
    if wanted.callback_url is not None and room.secret is None:
        raise invalid(
            f"callback_url: this server signs no callbacks; whoever runs it sets {room.settings.callback_secret_env}"
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


def _seen_by(who: Principal) -> SeenBy:
    return SeenBy(name=who.name, others=who.rows if who.may(Scope.ADMIN) else None)


def _found(room: JobRoom, job_id: uuid.UUID, who: Principal) -> Job:
    """Raises HTTPException (404)."""
    found = room.jobs.listed(JobsWanted(seen_by=_seen_by(who), job_id=str(job_id)), 1)
    if not found:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such job, or it is somebody else's.")
    return found[0]


async def _answer(room: JobRoom, job: Job) -> JobAnswer:
    return await run_in_threadpool(_told, room, job)


def _told(room: JobRoom, job: Job) -> JobAnswer:
    progress = room.jobs.progress(job.job_id) if job.state is JobState.QUEUED else None
    return job_answer(job, progress, _received_bytes(room, job))


def _received_bytes(room: JobRoom, job: Job) -> int | None:
    if job.state is not JobState.RECEIVING:
        return None
    try:
        return room.folder.part(job.job_id, job.file_name).stat().st_size
    except FileNotFoundError:
        return 0


def _upload_headers(room: JobRoom, job: Job) -> dict[str, str]:
    here = _received_bytes(room, job)
    offset = here if here is not None else job.size_bytes or 0
    complete = "?0" if job.state is JobState.RECEIVING else "?1"
    return {"Upload-Offset": str(offset), "Upload-Complete": complete, "Cache-Control": "no-store"}
