"""Which calls: the query parameters of every address that answers about many calls. They mean what they mean in the
addresses of pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from db.queries.chosen import CallFilter
from pages.filters import LONGEST_VALUE, filter_of
from pipeline.records import CallStatus
from service.access import Principal
from service.problems.kinds import INVALID
from service.problems.problem import Fault, Refused

NO_NUL = r"^[^\u0000]*$"
"""PostgreSQL holds no NUL."""
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_VALUE, pattern=NO_NUL)]
Day = Annotated[
    str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-09-30"], json_schema_extra={"format": "date"})
]
Percent = Annotated[str, Field(pattern=r"^\d{1,3}-\d{1,3}$", examples=["30-40"])]


def _plain(value: Any) -> Any:
    """Numbers as JSON writes them: pydantic would take `1_0` and ` 5 `, too."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise ValueError("write a whole number")
    return value


def _moment(value: Any) -> Any:
    """Not a number of seconds."""
    if isinstance(value, str) and "T" not in value.upper():
        raise ValueError("write a time with its zone, such as 2026-09-30T08:00:00Z")
    return value


def _truth(value: Any) -> Any:
    if value not in ("true", "false", True, False):
        raise ValueError("write true or false")
    return value in ("true", True)


UpTo200 = Annotated[int, Field(ge=1, le=200), BeforeValidator(_plain)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Truth = Annotated[bool, BeforeValidator(_truth)]


class CallQuery(BaseModel):
    """Calls that fulfil all of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    first_day: Day | None = Field(None, alias="from")
    """Calls of this day and later, in the time zone of the recordings."""
    last_day: Day | None = Field(None, alias="to")
    """Calls of this day and earlier."""
    since: Moment | None = Field(None, examples=["2026-09-30T08:00:00Z"])
    """Calls that began then or later; where the start is not known, the time of the file counts."""
    undated: Truth = False
    """Only calls whose start is not known."""
    agent: Text | None = None
    """Of this agent; `-` for none."""
    queue: Text | None = None
    """In this queue; `-` for none."""
    customer: Text | None = None
    """Of this customer."""
    direction: Literal["inbound", "outbound", "internal", "-"] | None = None
    """`-` for those of which it is not known."""
    topic: Text | None = Field(None, examples=["Billing > Refund"])
    """`topic`, or `topic > subtopic`; `-` for none."""
    mood: Literal["negative", "neutral", "positive", "-"] | None = None
    """The customer's, over the call."""
    language: Text | None = Field(None, examples=["en"])
    """ISO 639-1."""
    flag: Text | None = Field(None, examples=["truncated"])
    """With this flag."""
    status: CallStatus | None = None
    """Without it, everything but skipped files."""
    error: Text | None = Field(None, examples=["AudioUndecodable"])
    """That failed with this type of error."""
    attention: Text | None = Field(None, examples=["critical"])
    """For which this rule holds; `any` for any of them, `critical` for a critical one."""
    scorecard: Text | None = Field(None, examples=["service_call:failed"])
    """Judged by this scorecard; `name:passed` or `name:failed` with this result, `name:critical` with a no to a
    critical item."""
    silence: Percent | None = None
    """Share of the call in which nobody speaks, in percent, from the first up to the second."""
    talk: Percent | None = None
    """The same for the customer's share of the call."""
    call_id: tuple[UUID, ...] = Field((), max_length=1000)
    """These calls; may be repeated."""


class TextQuery(CallQuery):
    """The same, with words."""

    q: Text | None = Field(None, examples=['refund -"next week"'])
    """Words that were all said in one stretch, as typed into a web search; a part of the file's name; or a call_id.
    Needs the scope `read`."""


def wanted(query: CallQuery, reader: Principal) -> CallFilter:
    """The filter that the parameters ask for, within what the reader may see.

    Raises Refused where a parameter means nothing, and HTTPException (403) for words from one who may read none: asking
    for words again and again tells what was said.
    """
    fields = _IN_ADDRESSES | ({"q"} if isinstance(query, TextQuery) else set())
    given = query.model_dump(by_alias=True, include=fields, exclude_none=True)
    address = {name: "yes" if value is True else str(value) for name, value in given.items() if value is not False}
    found, faults = filter_of(address)
    if faults:
        raise Refused(INVALID, "The filter does not fit its description.", faults=[_fault(text) for text in faults])
    since: datetime | None = query.since
    return reader.limited(replace(found, since=since, call_ids=query.call_id or None))


_IN_ADDRESSES = set(CallQuery.model_fields) - {"since", "call_id"}


def _fault(text: str) -> Fault:
    """From `mood: …`."""
    name, _, what = text.partition(": ")
    return Fault(where=f"query.{name}", what=what)
