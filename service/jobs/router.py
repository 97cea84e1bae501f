"""/v1/jobs: handing calls in, following them, and calling them off."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from db.jobs.records import JobsWanted, SeenBy
from pipeline.jobs import Job, JobState
from service.access import Principal, Scope, needs
from service.context import Given
from service.jobs.answers import EventAnswer, JobAnswer, JobList, job_answer
from service.jobs.events import PING_S, events_of
from service.jobs.handing_in import by_address, by_body, by_form, take
from service.jobs.receiving import drain
from service.jobs.room import JobRoom, job_room
from service.jobs.submission import LONGEST_URL, LONGEST_VALUE, RecordingAtAddress, submission

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
            job = await by_address(request, room, by, idempotency_key)
        elif media_type == _FORM:
            job = await by_form(request, room, by, idempotency_key)
        else:
            given = {
                name: value
                for name, value in (("metadata", metadata), ("priority", str(priority)), ("callback_url", callback_url))
                if value
            }
            wanted = await run_in_threadpool(
                submission, given, request.app.state.context.settings.input, file_name, media_type
            )
            job = await by_body(request, room, by, idempotency_key, wanted, complete=upload_complete != "?0")
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
async def events(
    job_id: JobId,
    room: Room,
    given: Given,
    who: Submitter,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$", description="Go on after this event.")] = None,
) -> Response:
    """What happens to a job, as it happens."""
    found = await run_in_threadpool(_found, room, job_id, who)
    return given.followers.answer(who, events_of(room, found, int(last_event_id or 0)), PING_S)


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
            here = room.received_bytes(found) or 0
            if upload_offset != here:
                raise HTTPException(
                    HTTPStatus.CONFLICT, f"{here} bytes are here; go on from there.", _upload_headers(room, found)
                )
            found = await take(request.stream(), room, found, here, complete=upload_complete != "?0")
    if found.state is JobState.RECEIVING:
        response.status_code = HTTPStatus.CREATED
    response.headers.update(_upload_headers(room, found))
    return await _answer(room, found)


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
    return job_answer(job, progress, room.received_bytes(job))


def _upload_headers(room: JobRoom, job: Job) -> dict[str, str]:
    here = room.received_bytes(job)
    offset = here if here is not None else job.size_bytes or 0
    complete = "?0" if job.state is JobState.RECEIVING else "?1"
    return {"Upload-Offset": str(offset), "Upload-Complete": complete, "Cache-Control": "no-store"}
