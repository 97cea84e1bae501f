"""What was said in a call: stretch by stretch, and as a document."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from db.export.document import documents
from db.export.transcripts import WRITERS, file_stem
from db.queries import reading
from pipeline.records import DOUBTFUL, Role
from service.access import Principal, What
from service.answers import Answer, alike
from service.calls.answers import Moods
from service.calls.built import moods_of
from service.calls.known_call import known_call
from service.context import Given, ServiceContext
from service.exports import attachment
from service.problems.kinds import DATABASE_AWAY, INVALID, NO_TRANSCRIPT, NOT_FOUND
from service.problems.problem import Refused, responses
from service.readers import Reader, WordReader

router = APIRouter(tags=["calls"])


class Turn(Answer):
    """A stretch of speech of one side. Several in a row may be of the same side."""

    channel: int
    """Of the recording, from 0; the speaker where both sides share a channel."""
    ordinal: int
    """Place within the channel, from 0; quotes name channel and ordinal."""
    role: Role
    start_s: float
    end_s: float
    text: str | None
    """Null where the token may not read words. Empty where words were taken out; `flags` say why."""
    language: str | None
    confidence: float | None
    """The recogniser's own measure, 0..1; its meaning depends on the engine."""
    doubtful: bool
    """Whether its words may not be what was said."""
    flags: tuple[str, ...]
    """What the checks of the transcript say."""
    moods: Moods


class Turns(Answer):
    """The whole talk, in order of time. Both sides may speak at once."""

    call_id: uuid.UUID
    turns: tuple[Turn, ...]


@router.get(
    "/calls/{call_id}/turns",
    operation_id="getTurns",
    responses=responses(INVALID, NOT_FOUND, NO_TRANSCRIPT, DATABASE_AWAY),
)
def turns_of(call_id: uuid.UUID, given: Given, reader: Reader) -> Turns:
    """Who said what, when, and how it sounded."""
    _with_transcript(call_id, given, reader)
    given.audit.read(reader, What.API, [call_id])
    chunks = [reader.shown(chunk) for chunk in reading.shown_chunks(given.database, call_id)]
    return Turns(call_id=call_id, turns=tuple(_turn(chunk, words=reader.reads_words) for chunk in chunks))


def _turn(chunk: reading.ShownChunk, *, words: bool) -> Turn:
    by_step = {step: getattr(chunk, f"{step}_probabilities") for step in ("fusion", "text", "acoustic")}
    return Turn(**{
        **alike(Turn, chunk),
        "text": chunk.text if words else None,
        "doubtful": not DOUBTFUL.isdisjoint(chunk.flags),
        "moods": moods_of(by_step),
    })  # fmt: skip


Format = Literal["json", "txt", "srt", "vtt", "aws_pca", "contact_lens"]
_WRITERS: Mapping[str, tuple[str, str]] = {
    "json": ("json", "application/json"),
    "txt": ("txt", "text/plain; charset=utf-8"),
    "srt": ("srt", "application/x-subrip; charset=utf-8"),
    "vtt": ("vtt", "text/vtt; charset=utf-8"),
    "aws_pca": ("pca_json", "application/json"),
    "contact_lens": ("contact_lens_json", "application/json"),
}
"""Format to the name of its writer, and its media type."""


class TranscriptQuery(BaseModel):
    """How to write the transcript."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: Format = "json"
    """json (words with their times), txt, srt (SubRip), vtt (WebVTT), aws_pca (AWS Post-Call Analytics' shape),
    contact_lens (Amazon Connect Contact Lens' shape)."""


def _contents() -> dict[str, Any]:
    """Of the OpenAPI document: an object for JSON, text for the others."""
    return {
        media: {"schema": {"type": "object" if media == "application/json" else "string"}}
        for _, media in _WRITERS.values()
    }


@router.get(
    "/calls/{call_id}/transcript",
    operation_id="getTranscript",
    response_class=Response,
    responses={
        200: {"description": "The transcript.", "content": _contents()},
        **responses(INVALID, NOT_FOUND, NO_TRANSCRIPT, DATABASE_AWAY),
    },
)
def transcript_of(
    call_id: uuid.UUID, query: Annotated[TranscriptQuery, Query()], given: Given, reader: WordReader
) -> Response:
    """The transcript as a document, in the format asked for."""
    _with_transcript(call_id, given, reader)
    document = next(documents(given.database, [str(call_id)]), None)
    if document is None:
        raise Refused(NOT_FOUND, f"There is no call {call_id}.")  # erased a moment ago
    given.audit.read(reader, What.API, [call_id])
    name, media = _WRITERS[query.format]
    ending, write = WRITERS[name]
    text = write(document, given.settings.output.transcripts)
    return Response(text, media_type=media, headers=attachment(file_stem(document) + ending))


def _with_transcript(call_id: uuid.UUID, given: ServiceContext, reader: Principal) -> None:
    """Raises Refused where there is no such call for this reader, or no transcript of it."""
    call = known_call(call_id, given, reader)
    if call.transcript_fingerprint is None:
        raise Refused(NO_TRANSCRIPT, f"There is no transcript of it: its status is `{call.status}`.")
