"""Answers to errors, whole, from a small application without a database."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from psycopg import errors
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from pipeline.errors import DatabaseUnavailable, RunLocked, TerminalError, TransientError
from service.problems.answering import answer_with_problems
from service.problems.kinds import DATABASE_AWAY, INVALID
from service.problems.problem import Fault, Refused
from tests.pinned import assert_pinned


def faults(number: int) -> RequestValidationError:
    return RequestValidationError(
        [
            {"loc": ("body", "x" * 101, place), "msg": "m" * (2001 if place == 0 else 1), "input": "secret"}
            for place in range(number)
        ]
    )


RAISED: dict[str, Exception] = {
    "404": HTTPException(404),
    "404 with words": HTTPException(404, "No such call."),
    "405": HTTPException(405),
    "416": HTTPException(416),
    "403": HTTPException(403, "Not yours.", {"X-Why": "rows"}),
    "409 that is no text": HTTPException(409, {"a": 1}),  # type: ignore[arg-type]
    "499": HTTPException(499),
    "422": HTTPException(422, "Wrong."),
    "500": HTTPException(500),
    "refused": Refused(INVALID, "No.", faults=[Fault(where="query.a", what="is no number")]),
    "away": Refused(DATABASE_AWAY, "", headers={"Retry-After": "9"}),
    "long": HTTPException(400, "d" * 2001),
    "20 faults": faults(20),
    "21 faults": faults(21),
    "locked": RunLocked("a run is under way"),
    "passing": TransientError("later"),
    "lasting": TerminalError("never"),
    "no database": DatabaseUnavailable("at db.internal"),
    "connection": psycopg.OperationalError("db.internal"),
    "damaged": errors.DataCorrupted("db.internal"),
    "old tables": errors.UndefinedTable("no table"),
    "row": errors.UniqueViolation("somebody's words"),
    "unforeseen": ValueError("somebody's words"),
}


@pytest.fixture
def browser() -> TestClient:
    app = FastAPI()

    @app.get("/v1/raises/{name}")
    @app.get("/pages/{name}")
    def raises(name: str) -> None:
        raise RAISED[name]

    @app.post("/v1/raises/{name}")
    def posts(name: str) -> None:
        del name

    @app.api_route("/v1/answers/{size}", methods=["GET", "HEAD"])
    def answers(size: int) -> Response:
        return PlainTextResponse(" " + "p" * size, 400, {"X-Kept": "yes"})

    @app.get("/v1/streams")
    def streams() -> Response:
        return StreamingResponse(iter(["a" * 1500, "b" * 1500]), 507, media_type="text/plain")

    @app.get("/v1/html")
    def html() -> Response:
        return Response("<b>no</b>", 404, media_type="text/html")

    @app.get("/v1/fine")
    def fine() -> Response:
        return PlainTextResponse("fine", 399)

    @app.get("/v1/breaks")
    def breaks() -> Response:
        def pieces() -> Iterator[str]:
            yield "begun"
            raise ValueError("in the middle")

        return StreamingResponse(pieces())

    answer_with_problems(app)
    return TestClient(app)


def shown(answer: object) -> str:
    kept = ("content-type", "content-length", "allow", "retry-after", "x-why", "x-kept")
    headers = {name: answer.headers[name] for name in kept if name in answer.headers}  # type: ignore[attr-defined]
    return f"{answer.status_code} {headers} {answer.text}"  # type: ignore[attr-defined]


def test_every_error_is_told_whole(browser: TestClient) -> None:
    told = [f"{name}: {shown(browser.get(f'/v1/raises/{name}'))}" for name in RAISED]
    told += [f"{path}: {shown(browser.get(f'/v1/{path}'))}" for path in ("nowhere", "streams", "html", "fine")]
    told += [f"put: {shown(browser.put('/v1/raises/404'))}", f"head: {shown(browser.head('/v1/answers/5'))}"]
    told += [f"answers {size}: {shown(browser.get(f'/v1/answers/{size}'))}" for size in (0, 5, 2000, 2001)]
    assert_pinned("problems.txt", "\n".join(told))


def test_an_answer_that_has_begun_and_pages_that_explain_nothing_fail_as_they_are(browser: TestClient) -> None:
    with pytest.raises(ValueError, match="in the middle"):
        browser.get("/v1/breaks")
    with pytest.raises(ValueError, match="somebody's words"):
        browser.get("/pages/unforeseen")
    with pytest.raises(TransientError, match="later"):
        browser.get("/pages/passing")
    assert browser.get("/pages/404").json() == {"detail": "Not Found"}
