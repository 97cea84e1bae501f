"""Routes of questions across calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from analysis.questions.asked import LONGEST, QuestionUnusable
from analysis.questions.document import AnswerDocument, document_of
from analysis.questions.records import Answer
from db.queries.chosen import CallFilter
from pages.ask_page import ask_page
from pages.filters import LONGEST_VALUE, filter_of
from service.access import Principal
from service.access.audit import What
from service.context import Given, ServiceContext
from service.problems.kinds import API
from service.readers import WordReader

pages = APIRouter()
api = APIRouter(prefix=API, tags=["ask"])

_Text = Annotated[str | None, Field(max_length=LONGEST_VALUE)]


class AskRequest(BaseModel):
    """A question, and among which calls its answer is looked for. What is left out asks nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)

    question: Annotated[str, Field(min_length=1, max_length=LONGEST, examples=["why do customers cancel?"])]
    """What you want to know, in your own words."""
    first_day: Annotated[date | None, Field(alias="from")] = None
    """Calls of this day and later, in the time zone of the recordings."""
    last_day: Annotated[date | None, Field(alias="to")] = None
    """Calls of this day and earlier."""
    agent: _Text = None
    """Calls of this agent; `-` for none."""
    queue: _Text = None
    """Calls of this queue; `-` for none."""
    direction: _Text = None
    """inbound, outbound, internal; `-` for none."""
    topic: _Text = None
    """Calls about this topic, or `topic > subtopic`; `-` for none."""
    mood: _Text = None
    """The customer's over the call: negative, neutral, positive; `-` for none."""
    language: _Text = None
    """ISO 639-1."""
    customer: _Text = None
    """Calls of this customer."""
    flag: _Text = None
    """Calls with this flag."""
    since: datetime | None = None
    """Calls that began then or later; where the start is not known, the file's time counts."""


@pages.get("/ask")
def ask_on_a_page(request: Request, given: Given, reader: WordReader) -> Response:
    """The form; with `question` in the address, its answer."""
    address = dict(request.query_params)
    wanted, faults = filter_of({name: value for name, value in address.items() if name != "q"})
    question = address.get("question", "").strip()
    answer = None
    if question:
        try:
            answer = _asked(given, reader, question, wanted)
        except QuestionUnusable as error:
            faults = [*faults, str(error)]
    html = ask_page(question, answer, given.choices_for(reader), wanted, given.site_of(reader), faults=faults)
    return HTMLResponse(html)


@api.get("/ask", summary="Ask across calls")
def ask_by_address(wish: Annotated[AskRequest, Query()], given: Given, reader: WordReader) -> AnswerDocument:
    """The same as POST, for questions that fit an address."""
    return _answered(wish, given, reader)


@api.post("/ask", summary="Ask across calls")
def ask(wish: AskRequest, given: Given, reader: WordReader) -> AnswerDocument:
    """What was said about it, grouped, with the number of calls behind each group; sentences where a language model is
    configured for it. `found` is false where the answer is not in these calls."""
    return _answered(wish, given, reader)


def _answered(wish: AskRequest, given: ServiceContext, reader: Principal) -> AnswerDocument:
    try:
        return document_of(_asked(given, reader, wish.question, _filter(wish)))
    except QuestionUnusable as error:
        raise HTTPException(422, str(error)) from None


def _asked(given: ServiceContext, reader: Principal, question: str, wanted: CallFilter) -> Answer:
    """The answer within what the reader may see; whose words are in it is written down before it is given."""
    answer = given.asking.ask(question, reader.limited(wanted))
    given.audit.read(reader, What.ASK, answer.quoted_calls)
    return answer


def _filter(wish: AskRequest) -> CallFilter:
    """Raises HTTPException (422) for values that no call can have."""
    values: Mapping[str, Any] = wish.model_dump(mode="json", by_alias=True, exclude_none=True)
    wanted, faults = filter_of({name: value for name, value in values.items() if name not in ("question", "since")})
    if faults:
        raise HTTPException(422, "; ".join(faults))
    return replace(wanted, since=wish.since)
