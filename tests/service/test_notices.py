"""What a page says of each kind of error."""

from __future__ import annotations

import re
from types import SimpleNamespace

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg import errors
from starlette.exceptions import HTTPException

from pipeline.errors import EarshotError, TerminalError, TransientError
from service.reading import explain_errors


def noticed(error: Exception, method: str = "GET") -> tuple[int, str, str, dict[str, str]]:
    """Status, title, text and headers of the page."""
    app = FastAPI()
    app.state.context = SimpleNamespace(database=SimpleNamespace(url="postgresql://me:hidden@127.0.0.1:1/calls"))
    explain_errors(app)

    @app.api_route("/there", methods=["GET", "POST"])
    def there() -> None:
        raise error

    answer = TestClient(app).request(method, "/there?a=1", follow_redirects=False)
    title = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    return answer.status_code, title[1].strip() if title else "", answer.text, dict(answer.headers)


@pytest.mark.parametrize(
    ("error", "status", "title", "text"),
    [
        (HTTPException(404), 404, "Not found", "no call with this id"),
        (HTTPException(403, "This needs the scope `read`."), 403, "You may not see this", "needs the scope"),
        (HTTPException(429, "Ask in 3 s."), 429, "Too often", "Ask in 3 s."),
        (HTTPException(418, "A teapot."), 418, "That does not work", "A teapot."),
        (errors.UndefinedTable("no table"), 503, "This database is of another version", "db migrate"),
        (errors.UndefinedColumn("no column"), 503, "This database is of another version", "No call is lost"),
        (psycopg.OperationalError("gone away"), 503, "The database does not answer as it should", "gone away"),
        (TerminalError("never"), 404, "This is not available now", "never"),
        (TransientError("later"), 503, "This is not available now", "later"),
        (EarshotError("somehow"), 500, "This is not available now", "somehow"),
    ],
)
def test_an_error_is_a_page_that_says_what_to_do(error: Exception, status: int, title: str, text: str) -> None:
    told = noticed(error)
    assert told[:2] == (status, title)
    assert text in told[2]
    assert "hidden" not in told[2]


def test_headers_of_an_error_are_sent_and_who_is_not_known_logs_in_first() -> None:
    assert noticed(HTTPException(429, "wait", {"Retry-After": "3"}))[3]["retry-after"] == "3"
    status, _, _, headers = noticed(HTTPException(401, "who?"))
    assert (status, headers["location"]) == (303, "/login?after=%2Fthere%3Fa%3D1")
    assert noticed(HTTPException(401, "who?"), "POST")[:2] == (401, "That does not work")
