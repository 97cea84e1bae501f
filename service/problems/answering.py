"""Every error under `/v1` becomes a problem: those of routes, those of the server around them, unforeseen ones."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

import psycopg
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

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
from service.problems.kinds import (
    DATABASE_AWAY,
    INTERNAL,
    INVALID,
    MEDIA_TYPE,
    NOT_FOUND,
    OTHER_VERSION,
    RUN_UNDER_WAY,
    UNAVAILABLE,
    Kind,
    is_api,
)
from service.problems.problem import LONGEST_TEXT, Fault, Problem, Refused, phrase, problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("earshot.service")

_MOST_FAULTS = 20
_RUN_RETRY_AFTER_S = 60
_BY_STATUS: Mapping[int, Kind] = {kind.status: kind for kind in (INVALID, NOT_FOUND, INTERNAL)}


def answer_of(error: Exception) -> Response:
    """The answer to a request that ended with `error`."""
    refused = _refused(error)
    if isinstance(refused, Refused):
        what = problem(refused.status_code, refused.detail, refused.kind, refused.faults)
    else:
        detail = refused.detail if isinstance(refused.detail, str) else ""
        if detail == phrase(refused.status_code):
            detail = ""
        kind = _BY_STATUS.get(refused.status_code)
        what = problem(refused.status_code, detail or _in_words(refused.status_code), kind)
    return Response(_body(what), what.status, refused.headers, MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Everything under `/v1` fails with a problem; elsewhere the handlers stay that `app` has by now."""
    for kind in (HTTPException, RequestValidationError, psycopg.Error, EarshotError):
        app.add_exception_handler(kind, _either(app.exception_handlers.get(kind)))
    app.user_middleware.append(Middleware(_Answered))  # the innermost: its answers get the headers of all
    app.add_middleware(_OnlyProblems)


Handler = Callable[[Request, Exception], "Response | Awaitable[Response]"]


def _either(elsewhere: Handler | None) -> Handler:
    async def handle(request: Request, error: Exception) -> Response:
        if is_api(request.url.path):
            ours = answer_of(error)
            if ours.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                ours.headers["Allow"] = _methods(request)
            return ours
        if elsewhere is None:
            raise error
        answer = elsewhere(request, error)
        return answer if isinstance(answer, Response) else await answer

    return handle


def _methods(request: Request) -> str:
    """What the address answers to: the framework names only what its first route does."""
    found = {
        method
        for route in iter_route_contexts(request.app.routes)
        if compile_path(str(route.path))[0].match(request.url.path)
        for method in getattr(route, "methods", None) or ()
    }
    return ", ".join(sorted(found))


def _refused(error: Exception) -> HTTPException:
    """The same error as one that has a status."""
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, RequestValidationError):
        return Refused(INVALID, "The request does not fit its description.", faults=_faults(error))
    if isinstance(error, psycopg.Error | DatabaseUnavailable):
        return _of_the_database(error)
    if isinstance(error, RunLocked):
        return Refused(RUN_UNDER_WAY, str(error), headers={"Retry-After": str(_RUN_RETRY_AFTER_S)})
    if isinstance(error, TransientError):
        return Refused(UNAVAILABLE, told(error))
    if isinstance(error, TerminalError):
        return Refused(INVALID, told(error))
    log.error("a request failed: %s\n%s", described(error), traceback_text(error))
    return Refused(INTERNAL, "The request could not be answered. The server's log says why.")


def _of_the_database(error: Exception) -> Refused:
    """Only the log says where the database is."""
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
        Fault(where=".".join(str(part)[:100] for part in fault["loc"]), what=str(fault["msg"])[:LONGEST_TEXT])
        for fault in error.errors()[:_MOST_FAULTS]
    ]


def _body(what: Problem) -> bytes:
    """ASCII: a name in the request may hold half of a surrogate pair, which UTF-8 cannot."""
    return json.dumps(what.model_dump(mode="json", exclude_defaults=True), ensure_ascii=True).encode()


def _in_words(status: int) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return "There is no such address, or no call with this id."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return "This address does not support the method; `Allow` names those it does."
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return "The range begins after the end; `Content-Range` says how long the whole is."
    return phrase(status)


class _Answered:
    """Answers unforeseen errors. Starlette would let the server log their text, which may hold what somebody said."""

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
        if message["type"] == "http.response.start" and _is_other_error(message):
            self.start = message
        elif self.start is None:
            await self.send(message)
        elif message["type"] == "http.response.body":
            self.text += message.get("body", b"")[: LONGEST_TEXT - len(self.text)]
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


def _is_other_error(start: Message) -> bool:
    media = Headers(raw=list(start["headers"])).get("content-type", "")
    return int(start["status"]) >= HTTPStatus.BAD_REQUEST and not media.startswith(MEDIA_TYPE)
