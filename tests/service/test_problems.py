"""Errors of the API are problem details (RFC 9457); those of pages stay pages."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from httpx2 import Response

from db.connection import Database
from pipeline.config.root import Settings
from pipeline.errors import (
    AudioUndecodable,
    ConfigurationError,
    DatabaseUnavailable,
    RunLocked,
    SourceUnreadable,
)
from service.app import API_ROOMS, application
from service.problems.kinds import DOCUMENTED_AT, MEDIA_TYPE
from service.problems.problem import Problem
from tests.service.conftest import LOOPBACK, Room, all_heard


def told(answer: Response) -> Problem:
    """The problem in an answer, checked."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    found = Problem.model_validate_json(answer.content)
    assert found.status == answer.status_code
    assert found.title
    assert found.detail
    return found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"/v1/calls/{uuid.UUID(int=7)}", "not-found"),
        ("/v1/nowhere", "not-found"),
        ("/v1", "not-found"),
        ("/v1/calls/no-id", "invalid-request"),
        ("/v1/calls/%00", "invalid-request"),
        ("/v1/calls/%ed%a0%80", "invalid-request"),
    ],
)
def test_what_is_not_there_or_not_understood_is_a_problem(api: Room, path: str, kind: str) -> None:
    assert told(api.browser.get(path)).type == DOCUMENTED_AT + kind


def test_what_is_wrong_is_said_by_place_and_without_the_value(api: Room) -> None:
    answer = api.browser.get("/v1/calls/my%20secret")
    assert told(answer).errors[0].where == "path.call_id"
    assert "secret" not in answer.text


def test_a_method_that_is_not_known_names_those_that_are(api: Room) -> None:
    answer = api.browser.post(f"/v1/calls/{api.call_id}")
    assert told(answer).type == "about:blank"
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_another_name_for_this_machine_is_a_problem_too(api: Room) -> None:
    answer = api.browser.get("/v1/nowhere", headers={"Host": "evil.example"})
    assert told(answer).status == 421
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_keep_their_notices(api: Room) -> None:
    assert "There is no such page" in api.browser.get("/nowhere").text
    assert "There is no such page" in api.browser.get("/v11").text


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DatabaseUnavailable("database postgresql://db.internal/x: away"), (503, "database-away", "Nothing")),
        (psycopg.OperationalError("connection to db.internal failed"), (503, "database-away", "Nothing")),
        (psycopg.errors.UndefinedColumn("no such column"), (503, "database-of-another-version", "another version")),
        (psycopg.errors.DataError("words of a call"), (500, "internal-error", "log")),
        (RunLocked("a run is under way"), (409, "run-under-way", "under way")),
        (SourceUnreadable("the bucket does not answer"), (503, "unavailable", "bucket")),
        (AudioUndecodable("no audio in it"), (422, "invalid-request", "no audio")),
        (ConfigurationError("a setting is wrong"), (500, "internal-error", "log")),
        (ValueError("words of a call"), (500, "internal-error", "log")),
    ],
)
def test_every_error_has_its_problem(
    database: Database, settings: Settings, tmp_path: Path, error: Exception, expected: tuple[int, str, str]
) -> None:
    router = APIRouter()

    @router.get("/v1/fails")
    def fails() -> None:
        raise error

    app = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS)
    app.include_router(router)
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as browser:
        answer = browser.get("/v1/fails")
    found, (status, kind, said) = told(answer), expected
    assert (found.status, found.type) == (status, DOCUMENTED_AT + kind)
    assert said in found.detail
    assert "db.internal" not in answer.text
    assert "words of a call" not in answer.text
    assert ("retry-after" in answer.headers) == (status in {409, 503})


@pytest.mark.parametrize(
    "path",
    ["/v1/calls/{call_id}?format=srt", "/v1/calls/{call_id}/turns?x=1", "/v1/exports?formt=csv"],
)
def test_a_parameter_that_an_address_does_not_know_is_never_left_out_in_silence(api: Room, path: str) -> None:
    address = path.format(call_id=api.call_id)
    found = told(api.browser.get(address))
    name = address.partition("?")[2].partition("=")[0]
    assert [one.where for one in found.errors] == [f"query.{name}"]
    assert "it knows" in found.errors[0].what


def test_all_methods_of_an_address_are_allowed(api: Room) -> None:
    answer = api.browser.put(f"/v1/calls/{api.call_id}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")
