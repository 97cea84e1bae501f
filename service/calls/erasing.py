"""A call erased for good, as `run.py db purge --call` does it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from service.answers import Answer
from service.calls.choosing import Truth
from service.calls.known_call import known_call
from service.context import Given
from service.problems.kinds import DATABASE_AWAY, INVALID, NOT_FOUND, READ_ONLY, RUN_UNDER_WAY
from service.problems.problem import Refused, responses
from service.readers import Administrator

router = APIRouter(tags=["calls"])


class ErasureQuery(BaseModel):
    """What else to delete."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    recording: Truth = False
    """Also delete the file of the recording. Members of archives and objects of buckets stay: their owner deletes
    them."""


class ErasedRecording(Answer):
    """What was erased, as hashes (HMAC-SHA256 under the secret of the database): enough to check a recording against,
    not enough to tell which it was."""

    call: str
    address: str
    content: str | None


class ErasureReceipt(Answer):
    """The receipt, which also lies in the server's output folder. It names nobody."""

    erased_at: datetime
    recordings: tuple[ErasedRecording, ...]
    rows: Mapping[str, int]
    """Deleted rows by table."""
    files: Mapping[str, int]
    """What became of files of results, reports and logs."""
    recordings_deleted: Mapping[str, int] | None
    """What became of the recordings; null where they were to stay."""
    left: tuple[str, ...]
    """What could not be erased, and why. Empty where all is gone."""


@router.delete(
    "/calls/{call_id}",
    operation_id="eraseCall",
    responses=responses(INVALID, READ_ONLY, NOT_FOUND, RUN_UNDER_WAY, DATABASE_AWAY),
)
def erase_call(
    call_id: uuid.UUID, query: Annotated[ErasureQuery, Query()], given: Given, administrator: Administrator
) -> ErasureReceipt:
    """Erase a call: its rows, its transcript, and what files of results, reports and logs say of it.

    Later runs leave its recording out. It cannot be undone.
    """
    known_call(call_id, given, administrator)
    if given.erase is None:
        raise Refused(READ_ONLY, "Nothing can be erased through this server.")
    done = given.erase(call_id, query.recording)
    if done is None:
        raise Refused(NOT_FOUND, f"There is no call {call_id}.")
    return ErasureReceipt.model_validate({**done.receipt, "left": done.left})
