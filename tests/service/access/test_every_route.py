"""What holds for every route of the application, also for those to come.

Each is asked as somebody who may not, as somebody with a row scope, as somebody who gets no words, and as somebody who
may read everything. A new route is asked by itself; where its path has a parameter that is not in `VALUES`, or needs a
query that is not in `QUERIES`, the test says so.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from httpx2 import Response
from starlette.testclient import TestClient

from db.access.reads import reads_of
from db.access.scopes import Scope
from service.access.routes import declared
from tests.service.access.conftest import House, token_in

OF_THE_OTHERS = ("sales.wav", "agent-of-sales", "metadata-of-sales", "only-said-in-sales")
"""What is in the call of the queue `sales` alone."""
WORDS = ("charged twice", "only-said-in", "refund it", "refund promised", "metadata-of", "“charged")
"""Said in the calls, or made of what was said, or written down about them by people."""
SAID = "only-said-in-billing"
VALUES = {"job_id": str(uuid.uuid4()), "name": "reading-room.css", "session": "none"}
"""Parameters of paths that name no call."""
QUERIES: dict[str, tuple[str, ...]] = {
    "/": ("", "?agents=talk"),
    "/ask": ("", "?question=charged+twice", "?question=only-said-in-sales"),
    "/v1/ask": ("?question=charged+twice", "?question=only-said-in-billing"),
    "/calls": ("", "?q=charged", "?sort=attention", "?q=only-said-in-sales", "?queue=sales"),
}
"""Path to queries that make it say most."""
EVERY = ("", "?q=charged", "?query=charged", "?q=only", "?format=txt", "?format=jsonl")
LEAD_ELSEWHERE = frozenset({302, 303, 307})


@dataclass(frozen=True, slots=True)
class Asked:
    """One route, as it can be asked."""

    path: str
    methods: tuple[str, ...]
    needed: frozenset[Scope]

    def addresses(self, call_id: str) -> list[str]:
        """Its paths about a call, with queries."""
        filled = self.path
        for name in re.findall(r"\{(\w+)[^}]*\}", self.path):
            value = call_id if "call" in name else VALUES.get(name)
            assert value is not None, f"{self.path}: say in VALUES (tests/service/access) what {{{name}}} can be"
            filled = re.sub(rf"\{{{name}[^}}]*\}}", value, filled)
        return [filled + query for query in QUERIES.get(self.path, EVERY)]


def routes_of(app: FastAPI) -> Iterator[Asked]:
    for route in iter_route_contexts(app.routes):
        needed = declared(route)
        assert needed is not None
        if route.methods:
            yield Asked(str(route.path), tuple(sorted(route.methods)), needed)


def get(client: TestClient, address: str) -> Response:
    """An answer's beginning: one that streams for ever is not waited for."""
    return client.get(address, follow_redirects=False)


def closed(answer: Response) -> bool:
    """Whether somebody was not let in."""
    led = answer.status_code in LEAD_ELSEWHERE and answer.headers["location"].startswith("/login")
    return led or answer.status_code in (401, 403)


def test_nobody_is_let_in_without_a_token(house: House) -> None:
    client = house.client()
    asked = [one for one in routes_of(house.app) if one.needed]
    assert len(asked) >= 5
    for one in asked:
        for method in one.methods:
            answer = client.request(method, one.addresses(house.mine)[0], follow_redirects=False)
            assert closed(answer), f"{method} {one.path}: {answer.status_code}"
            assert not any(word in answer.text for word in (*WORDS, *OF_THE_OTHERS)), one.path


@pytest.mark.parametrize("scope", [Scope.SUBMIT, Scope.READ_WITHOUT_TEXT, Scope.READ])
def test_nobody_does_what_their_token_does_not_allow(house: House, scope: Scope) -> None:
    client = house.client(token_in(house.database, "x", [scope]))
    held = {scope, Scope.READ_WITHOUT_TEXT} if scope is Scope.READ else {scope}
    for one in routes_of(house.app):
        if one.needed - held:
            for method in one.methods:
                answer = client.request(method, one.addresses(house.mine)[0], follow_redirects=False)
                assert answer.status_code == 403, f"{method} {one.path}: {answer.status_code}"


@pytest.mark.parametrize("rows", [{"queues": ("billing",)}, {"segments": ("b2c",)}], ids=["queue", "segment"])
def test_calls_outside_of_the_row_scope_do_not_exist(house: House, rows: dict[str, tuple[str, ...]]) -> None:
    client = house.client(token_in(house.database, "x", [Scope.ADMIN], **rows))  # type: ignore[arg-type]
    for one in routes_of(house.app):
        if "GET" not in one.methods or not one.needed:
            continue
        for address in one.addresses(house.others):
            answer = get(client, address)
            found = [word for word in OF_THE_OTHERS if word in answer.text and word not in address]
            assert not found, f"{address} says {found}"
            assert answer.status_code in (404, 422) or house.others not in address, address
        for address in one.addresses(house.mine):
            assert house.others not in get(client, address).text, address


def test_a_call_outside_of_the_row_scope_is_not_found_and_inside_is(house: House) -> None:
    client = house.client(token_in(house.database, "x", [Scope.ADMIN], queues=("billing",)))
    paths = [one.path for one in routes_of(house.app) if "{call_id}" in one.path and "GET" in one.methods]
    assert "/calls/{call_id}" in paths
    for path in paths:
        assert get(client, path.format(call_id=house.others)).status_code == 404, path
        assert get(client, path.format(call_id=house.mine)).status_code != 404, path


@pytest.mark.parametrize("address", ["/calls?q=sayles", "/?q=sayles", "/v1/search?q=sayles"])
def test_what_may_have_been_meant_is_guessed_from_no_call_outside_of_the_row_scope(house: House, address: str) -> None:
    everything = house.client(token_in(house.database, "all", [Scope.READ]))
    assert re.search(r">sales<|:\"sales\"", get(everything, address).text), "a guess that there is to withhold"
    one_queue = house.client(token_in(house.database, "one", [Scope.READ], queues=("billing",)))
    assert not re.search(r"\bsales\b", get(one_queue, address).text)


def test_who_gets_no_words_gets_none_anywhere(house: House) -> None:
    client = house.client(token_in(house.database, "x", [Scope.READ_WITHOUT_TEXT]))
    seen = 0
    for one in routes_of(house.app):
        if "GET" in one.methods and one.needed:
            for address in one.addresses(house.mine):
                answer = get(client, address)
                assert answer.status_code != 500, address
                found = [word for word in WORDS if word in answer.text]
                assert not found, f"{address} says {found}"
                seen += answer.status_code == 200
    assert seen >= 3


def test_whoever_reads_a_transcript_is_kept(house: House) -> None:
    client = house.client(token_in(house.database, "reader", [Scope.ADMIN]))
    seen = 0
    for one in routes_of(house.app):
        if "GET" in one.methods and one.needed:
            for address in one.addresses(house.mine):
                before = len(reads_of(house.database, call_id=uuid.UUID(house.mine), reader="reader"))
                answer = get(client, address)
                if answer.status_code in (200, 206) and (SAID in answer.text or one.path.endswith("audio")):
                    after = len(reads_of(house.database, call_id=uuid.UUID(house.mine), reader="reader"))
                    assert after > before, f"{address} gives words, and nobody knows to whom"
                    seen += 1
    assert seen >= 6


def test_whoever_is_quoted_to_in_an_answer_is_kept(house: House) -> None:
    client = house.client(token_in(house.database, "asker", [Scope.READ], queues=("billing",)))
    for address in ("/v1/ask?question=charged+twice", "/ask?question=charged+twice"):
        before = len(reads_of(house.database, reader="asker"))
        assert "charged twice" in get(client, address).text
        kept = reads_of(house.database, reader="asker")
        assert {(str(one.call_id), one.what) for one in kept} == {(house.mine, "ask")}
        assert len(kept) == before + 1
