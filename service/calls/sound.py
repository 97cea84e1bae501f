"""The recording of a call, as people hear it."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from pages.sound import recording_of, why_withheld
from pipeline.errors import SourceUnreadable, TerminalError
from service.access import What
from service.calls.known_call import known_call
from service.context import Given
from service.problems.kinds import DATABASE_AWAY, INVALID, NO_AUDIO, NOT_FOUND, UNAVAILABLE
from service.problems.problem import Refused, responses
from service.readers import WordReader
from service.sound_answer import sound_answer

router = APIRouter(tags=["calls"])
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_MEDIA = ("audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4", "audio/webm")
_RANGE = {
    "name": "Range",
    "in": "header",
    "description": "Only these bytes (RFC 9110).",
    "schema": {"type": "string"},
    "example": "bytes=0-65535",
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The recording.", "content": dict.fromkeys(_MEDIA, _BYTES)},
    206: {
        "description": "The bytes asked for.",
        "content": {**dict.fromkeys(_MEDIA, _BYTES), "multipart/byteranges": _BYTES},
    },
}


@router.head("/calls/{call_id}/audio", include_in_schema=False)
@router.get(
    "/calls/{call_id}/audio",
    operation_id="getAudio",
    response_class=FileResponse,
    responses={**_ANSWERS, **responses(INVALID, NOT_FOUND, NO_AUDIO, UNAVAILABLE, DATABASE_AWAY)},
    openapi_extra={"parameters": [_RANGE]},
)
def audio(call_id: uuid.UUID, request: Request, given: Given, reader: WordReader) -> Response:
    """The recording, whole or in the ranges asked for.

    As it was handed in where browsers play that, else as WAV. Where personal data is removed from stored text, the same
    stretches are silent on all channels.
    """
    call = known_call(call_id, given, reader)
    quiet = given.quiet(call)
    why = why_withheld(call, quiet)
    if quiet is None or why is not None:
        raise Refused(NO_AUDIO, why or "The recording is withheld.")
    try:
        path, media = given.listening.playable(recording_of(call), quiet)
        answer = sound_answer(request, path, media)
    except (SourceUnreadable, TerminalError) as error:
        raise Refused(NO_AUDIO, str(error)) from error
    except OSError as error:
        raise Refused(NO_AUDIO, f"The recording cannot be read: {error.strerror}.") from error
    given.audit.read(reader, What.AUDIO, [call_id])
    return answer
