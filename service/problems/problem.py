"""A problem as an answer holds it (RFC 9457), and the exception by which a route refuses with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from pipeline.masking import masked
from service.problems.kinds import DOCUMENTED_AT, MEDIA_TYPE, Kind

RETRY_AFTER_S = 5
LONGEST_TEXT = 2000


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    where: str
    """`query.limit`, `path.call_id`, `body.metadata.agent`."""
    what: str
    """What is wrong there."""


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    type: str = Field(examples=[f"{DOCUMENTED_AT}not-found"])
    """A reference that stands for the kind of problem; `about:blank` where the status says all."""
    title: str
    """The kind in words; always the same for a `type`."""
    status: int = Field(ge=400, le=599)
    """The status of the answer."""
    detail: str
    """What happened this time, for a person."""
    errors: tuple[Fault, ...] = ()
    """What is wrong with the request, where it is not valid."""


class Refused(HTTPException):
    """Raised in a route: the answer is this problem."""

    def __init__(
        self, kind: Kind, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        wait = {"Retry-After": str(RETRY_AFTER_S)} if kind.status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        super().__init__(kind.status, detail, {**wait, **(headers or {})})
        self.kind = kind
        self.faults = tuple(faults)


def problem(status: int, detail: str, kind: Kind | None = None, faults: Sequence[Fault] = ()) -> Problem:
    """The problem of a kind, or of a status that needs none."""
    title = kind.title if kind is not None else phrase(status)
    return Problem(
        type=f"{DOCUMENTED_AT}{kind.name}" if kind is not None else "about:blank",
        title=title,
        status=status,
        detail=masked(detail)[:LONGEST_TEXT] or title,
        errors=tuple(faults),
    )


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def responses(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: these kinds by status, and any other problem as `default`."""
    told_by_status: dict[int | str, list[str]] = {}
    for kind in kinds:
        told_by_status.setdefault(kind.status, []).append(f"`{kind.name}`: {kind.title}.")
    told_by_status["default"] = ["Any other problem."]
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": " ".join(lines), "content": content} for status, lines in told_by_status.items()}
