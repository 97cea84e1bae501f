"""One call: all that is known of it."""

from __future__ import annotations

import uuid

from fastapi import APIRouter

from db.queries import reading
from service.access import Principal, What
from service.calls.answers import Call
from service.calls.built import call_answer
from service.context import Given, ServiceContext
from service.problems.kinds import DATABASE_AWAY, INVALID, NOT_FOUND
from service.problems.problem import Refused, responses
from service.readers import Reader

router = APIRouter(tags=["calls"])


@router.get("/calls/{call_id}", operation_id="getCall", responses=responses(INVALID, NOT_FOUND, DATABASE_AWAY))
def one_call(call_id: uuid.UUID, given: Given, reader: Reader) -> Call:
    """A call.

    Metadata, moods, topic, summary with the sentences it rests on, promises, measures of the talk, what needs
    attention, what is missing and why, and what made it.
    """
    shown = known_call(call_id, given, reader)
    given.audit.read(reader, What.API, [call_id])
    return call_answer(
        reader.shown(shown),
        [reader.shown(step) for step in reading.shown_steps(given.database, call_id)],
        [reader.shown(rule) for rule in reading.shown_rules(given.database, call_id)],
        words=reader.reads_words,
    )


def known_call(call_id: uuid.UUID, given: ServiceContext, reader: Principal) -> reading.ShownCall:
    """Raises Refused where there is no such call for this reader."""
    found = reading.shown_call(given.database, call_id, reader.rows)
    if found is None:
        raise Refused(NOT_FOUND, f"There is no call {call_id}.")
    return found
