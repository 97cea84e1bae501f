"""The OpenAPI document is valid, whole, and true: a fuzzer that knows only it finds no fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from fastapi import FastAPI
from openapi_spec_validator import validate

from service.documented.document import document_of
from service.problems.kinds import DOCUMENTED_AT, KINDS, MEDIA_TYPE
from tests.pinned import assert_pinned
from tests.service.conftest import Room


@pytest.fixture
def document(api: Room) -> dict[str, Any]:
    found: dict[str, Any] = api.browser.get("/v1/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_however_many_ask_first_the_document_is_made_once(api: Room) -> None:
    """Every request looks its parameters up in it; made by several at once it broke, and the first ones were 500."""
    app = api.browser.app
    assert isinstance(app, FastAPI)
    together = Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        return id(document_of(app))

    app.openapi_schema = None
    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(ask, range(8))) == {id(app.openapi_schema)}


def test_every_operation_is_named_described_and_says_how_it_fails(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name, operation in operations(document):
        assert operation["description"], name
        assert operation["tags"], name
        assert "Needs the scope" in operation["description"], name
        assert operation["security"], name
        for status, answer in operation["responses"].items():
            if status == "default" or int(status) >= 400:
                assert list(answer["content"]) == [MEDIA_TYPE], (name, status)


_PROSE = frozenset({"description", "summary", "title", "example", "examples"})


def leaves(value: Any, where: str = "") -> Iterator[str]:
    """Each value of the document with the way to it, in the document's order; no prose."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            if name not in _PROSE or where.endswith("properties"):
                yield from leaves(inner, f"{where} {name}")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{where} {inner.get('name', number)}")
    else:
        yield f"{where.strip()}: {value}"


def test_what_each_operation_takes_and_answers_is_as_before(document: dict[str, Any]) -> None:
    assert_pinned("openapi.txt", "\n".join(leaves({name: document[name] for name in ("paths", "components")})))


def test_no_page_is_in_the_document(document: dict[str, Any]) -> None:
    assert {path.split("/")[1] for path in document["paths"]} == {"v1"}


def test_kinds_of_problems_are_told_apart_by_their_names() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_the_page_has_every_operation_record_and_problem_and_no_script_from_elsewhere(
    api: Room, document: dict[str, Any]
) -> None:
    html = api.browser.get("/v1/docs").text
    for _, operation in operations(document):
        assert f'id="{operation["operationId"]}"' in html
    for name in document["components"]["schemas"]:
        assert f'id="record-{name}"' in html
    for kind in KINDS:
        assert f'id="{DOCUMENTED_AT.partition("#")[2]}{kind.name}"' in html
    assert set(re.findall(r'href="#(record-[^"]+)"', html)) <= set(re.findall(r'id="([^"]+)"', html))
    assert re.findall(r"<script[^>]*>", html) == ['<script src="/assets/reading-room.js" defer>']
