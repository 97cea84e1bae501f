"""Errors of the API as problem details (RFC 9457, `application/problem+json`). Pages keep their notices."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import psycopg
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from db.connection import worth_waiting
from db.faults import damaged, one_line, other_version
from pipeline.errors import (
    DatabaseUnavailable,
    EarshotError,
    RunLocked,
    TerminalError,
    TransientError,
    described,
    told,
    traceback_text,
)
from pipeline.masking import masked

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("earshot.service")

API = "/v1"
MEDIA_TYPE = "application/problem+json"
DOCUMENTED_AT = f"{API}/docs#problem-"
"""Where `type` leads to; with the name of the kind behind it."""
RETRY_AFTER_S = 5
_MOST_FAULTS = 20
_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of problem that a client can tell from others."""

    name: str
    status: int
    title: str
    meaning: str
    """For the documentation: when it comes, and what to do."""


INVALID = Kind(
    name="invalid-request", status=422, title="The request is not valid",
    meaning="A parameter, a header or the body does not fit its description; `errors` says which and why.",
)  # fmt: skip
NOT_FOUND = Kind(
    name="not-found", status=404, title="There is no such thing",
    meaning="No such address, no call with this id, or none that this token may see.",
)  # fmt: skip
NO_TRANSCRIPT = Kind(
    name="no-transcript", status=404, title="The call has no transcript",
    meaning="It failed, was skipped, or is not finished; its `status` and `error` say which.",
)  # fmt: skip
NO_AUDIO = Kind(
    name="no-audio", status=404, title="The recording cannot be heard",
    meaning="It is no longer where it was, cannot be decoded, or is withheld because personal data in it cannot be "
    "silenced; `detail` says which.",
)  # fmt: skip
RUN_UNDER_WAY = Kind(
    name="run-under-way", status=409, title="A run is under way",
    meaning="What was asked for has to wait until no run works on the database. Try again later.",
)  # fmt: skip
READ_ONLY = Kind(
    name="read-only", status=403, title="This server only reads",
    meaning="It was started by `run.py view`. Ask one that was started by `run.py serve`.",
)  # fmt: skip
BUSY = Kind(
    name="busy", status=503, title="The server is busy",
    meaning="As many answers of this kind as it makes at a time are being made. Try again after `Retry-After` seconds.",
)  # fmt: skip
DATABASE_AWAY = Kind(
    name="database-away", status=503, title="The database does not answer",
    meaning="Nothing that was accepted is lost. Try again after `Retry-After` seconds.",
)  # fmt: skip
OTHER_VERSION = Kind(
    name="database-of-another-version", status=503, title="The database is of another version",
    meaning="Whoever runs the server has to bring the tables up to date (`run.py db migrate`).",
)  # fmt: skip
UNAVAILABLE = Kind(
    name="unavailable", status=503, title="This is not available now",
    meaning="Something that the answer needs does not work at the moment. Try again after `Retry-After` seconds.",
)  # fmt: skip
INTERNAL = Kind(
    name="internal-error", status=500, title="The server failed",
    meaning="A fault of Earshot. Its log has the details; please report it.",
)  # fmt: skip
KINDS = (
    INVALID, NOT_FOUND, NO_TRANSCRIPT, NO_AUDIO, READ_ONLY, RUN_UNDER_WAY, BUSY, DATABASE_AWAY, OTHER_VERSION,
    UNAVAILABLE, INTERNAL,
)  # fmt: skip
"""In the order of the documentation. Other statuses come with `about:blank`, as RFC 9457 has it."""
_BY_STATUS: Mapping[int, Kind] = {kind.status: kind for kind in (INVALID, NOT_FOUND, INTERNAL)}


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
    title = kind.title if kind is not None else _phrase(status)
    return Problem(
        type=f"{DOCUMENTED_AT}{kind.name}" if kind is not None else "about:blank",
        title=title,
        status=status,
        detail=masked(detail)[:_LONGEST_TEXT] or title,
        errors=tuple(faults),
    )


def answer_of(error: Exception) -> Response:
    """The answer to a request that ended with `error`."""
    refused = _refused(error)
    if isinstance(refused, Refused):
        what = problem(refused.status_code, refused.detail, refused.kind, refused.faults)
    else:
        detail = refused.detail if isinstance(refused.detail, str) else ""
        if detail == _phrase(refused.status_code):
            detail = ""
        kind = _BY_STATUS.get(refused.status_code)
        what = problem(refused.status_code, detail or _in_words(refused.status_code), kind)
    return _response(what, refused.headers)


def answer_with_problems(app: FastAPI) -> None:
    """Everything under `/v1` fails with a problem; elsewhere the handlers stay that `app` has by now."""
    for kind in (HTTPException, RequestValidationError, psycopg.Error, EarshotError):
        app.add_exception_handler(kind, _either(app.exception_handlers.get(kind)))
    app.user_middleware.append(Middleware(_Answered))  # the innermost: its answers get the headers of all
    app.add_middleware(_OnlyProblems)


def is_api(path: str) -> bool:
    return path == API or path.startswith(f"{API}/")


Handler = Callable[[Request, Exception], "Response | Awaitable[Response]"]


def _either(elsewhere: Handler | None) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        if is_api(request.url.path):
            return answer_of(error)
        if elsewhere is None:
            raise error
        answer = elsewhere(request, error)
        return answer if isinstance(answer, Response) else await answer

    return handle


def _refused(error: Exception) -> HTTPException:
    """The same error as one that has a status."""
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, RequestValidationError):
        return Refused(INVALID, "The request does not fit its description.", faults=_faults(error))
    if isinstance(error, psycopg.Error | DatabaseUnavailable):
        return _of_the_database(error)
    if isinstance(error, RunLocked):
        return Refused(RUN_UNDER_WAY, str(error))
    if isinstance(error, TransientError):
        return Refused(UNAVAILABLE, told(error))
    if isinstance(error, TerminalError):
        return Refused(INVALID, told(error))
    log.error("a request failed: %s\n%s", described(error), traceback_text(error))
    return Refused(INTERNAL, "The request could not be answered. The server's log says why.")


def _of_the_database(error: Exception) -> Refused:
    """Where the database is stays in the log."""
    if other_version(error):
        return Refused(OTHER_VERSION, "Its tables were made by another version of Earshot than this server.")
    if isinstance(error, DatabaseUnavailable) or worth_waiting(error) or damaged(error):
        log.warning("the database does not answer as it should: %s", masked(one_line(error)))
        return Refused(DATABASE_AWAY, "The database does not answer. Nothing that was accepted is lost.")
    log.error("a request failed: %s\n%s", described(error), traceback_text(error))
    return Refused(INTERNAL, "The request could not be answered. The server's log says why.")


def _faults(error: RequestValidationError) -> list[Fault]:
    """What pydantic says, without the values: they may be anything, and anybody's words."""
    return [
        Fault(where=".".join(str(part)[:100] for part in one["loc"]), what=str(one["msg"])[:_LONGEST_TEXT])
        for one in error.errors()[:_MOST_FAULTS]
    ]


def _response(what: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_body(what), what.status, headers, MEDIA_TYPE)


def _body(what: Problem) -> bytes:
    """ASCII: a name in the request may hold half of a surrogate pair, which UTF-8 cannot."""
    return json.dumps(what.model_dump(mode="json", exclude_defaults=True), ensure_ascii=True).encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _in_words(status: int) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return "There is no such address, or no call with this id."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return "This address does not know the method; `Allow` names those it knows."
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return "The range begins after the end; `Content-Range` says how long the whole is."
    return _phrase(status)


class _Answered:
    """Answers errors nobody foresaw. Starlette would have the server log their text, which may be anybody's words."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noticed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noticed)
        except Exception as error:
            if started or scope["type"] != "http" or not is_api(scope["path"]):
                raise
            await answer_of(error)(scope, receive, send)


class _OnlyProblems:
    """Turns errors that came about outside the routes (ranges of files, guards in front) into problems as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope["path"]):
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Rewritten(send, with_body=scope["method"] != "HEAD"))


class _Rewritten:
    """`send` of ASGI, where an error that is no problem becomes one; its text, where it has one, is the detail."""

    def __init__(self, send: Send, *, with_body: bool) -> None:
        self.send = send
        self.with_body = with_body
        self.start: Message | None = None
        """Of an error that is no problem."""
        self.text = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _other_error(message):
            self.start = message
        elif self.start is None:
            await self.send(message)
        elif message["type"] == "http.response.body":
            self.text += message.get("body", b"")[: _LONGEST_TEXT - len(self.text)]
            if not message.get("more_body", False):
                await self._finish(self.start)

    async def _finish(self, start: Message) -> None:
        headers = MutableHeaders(raw=list(start["headers"]))
        plain = headers.get("content-type", "").startswith("text/plain")
        said = self.text.decode(errors="replace").strip() if plain else ""
        status = int(start["status"])
        body = _body(problem(status, said or _in_words(status), _BY_STATUS.get(status)))
        headers["content-type"] = MEDIA_TYPE
        headers["content-length"] = str(len(body))
        await self.send({**start, "headers": headers.raw})
        await self.send({"type": "http.response.body", "body": body if self.with_body else b""})


def _other_error(start: Message) -> bool:
    return int(start["status"]) >= HTTPStatus.BAD_REQUEST and not Headers(raw=list(start["headers"])).get(
        "content-type", ""
    ).startswith(MEDIA_TYPE)


def responses(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: these kinds by status, and any other problem as `default`."""
    told_by_status: dict[int | str, list[str]] = {}
    for kind in kinds:
        told_by_status.setdefault(kind.status, []).append(f"`{kind.name}`: {kind.title}.")
    told_by_status["default"] = ["Any other problem."]
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": " ".join(lines), "content": content} for status, lines in told_by_status.items()}
