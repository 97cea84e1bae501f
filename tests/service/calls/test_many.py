"""Lists over the API: filters, orders, pages."""

from __future__ import annotations

import uuid
from typing import get_args

import psycopg
import pytest
from fastapi.testclient import TestClient

from db.connection import Database
from db.queries.chosen import CallFilter
from db.queries.listing import Sort, listed_calls
from tests.service.calls.conftest import MANY
from tests.service.conftest import Room
from tests.service.test_problems import told


def walked(client: TestClient, query: str, limit: int) -> list[str]:
    """Ids of all pages one after the other."""
    ids: list[str] = []
    after = ""
    while True:
        page = client.get(f"/v1/calls?{query}&limit={limit}{after}").json()
        ids += [call["call_id"] for call in page["calls"]]
        if page["next"] is None:
            return ids
        assert len(page["calls"]) == limit
        after = f"&after={page['next']}"


@pytest.mark.parametrize("sort", get_args(Sort))
@pytest.mark.parametrize("limit", [1, 4, 200])
def test_pages_follow_one_another_as_one_long_list(
    client: TestClient, database: Database, sort: Sort, limit: int
) -> None:
    whole = [call.call_id for call in listed_calls(database, CallFilter(), "UTC", sort=sort, limit=200)]
    assert len(whole) == MANY
    assert walked(client, f"sort={sort}", limit) == whole


def test_calls_that_go_and_come_meanwhile_move_no_other(client: TestClient, url: str) -> None:
    whole = walked(client, "sort=newest", 200)
    first = client.get("/v1/calls?sort=newest&limit=4").json()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM calls WHERE call_id = ANY(%s)", [[uuid.UUID(one) for one in whole[1:4]]])
    second = client.get(f"/v1/calls?sort=newest&limit=200&after={first['next']}").json()
    assert [call["call_id"] for call in second["calls"]] == whole[4:]


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("q=charged", MANY - 1), ("q=nobody", 0), ("q=7.wav", 1), ("agent=A1", 4), ("agent=-", 0),
        ("topic=Billing+%3E+Refund", 6), ("mood=negative", 4), ("undated=true", 2), ("undated=false", MANY),
        ("status=failed", 0), ("status=quarantined", 0), ("error=AudioUndecodable", 1), ("attention=critical", 4),
        ("silence=30-100", 3), ("from=2026-11-20&to=2026-11-20", MANY - 2), ("to=2026-11-19", 0),
        ("from=9999-12-31", 0), ("from=0001-01-01&to=9999-12-31", MANY - 2), ("since=2026-11-20T12:30:00%2B00:00", 3),
        ("since=0001-01-01T00:00:00Z", MANY), ("since=9999-12-31T23:59:59-11:00", 0), ("language=en", MANY - 1),
    ],
)  # fmt: skip
def test_filters_choose(client: TestClient, query: str, calls: int) -> None:
    answer = client.get(f"/v1/calls?total=true&{query}")
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["calls"]) == answer.json()["total"]["calls"]
    if query.startswith(("status", "error")):
        return
    assert answer.json()["total"]["calls"] == calls


def test_calls_are_chosen_by_their_ids(client: TestClient, many: list[str]) -> None:
    answer = client.get(f"/v1/calls?call_id={many[0]}&call_id={many[3]}&call_id={uuid.UUID(int=1)}").json()
    assert {call["call_id"] for call in answer["calls"]} == {many[0], many[3]}
    assert answer["total"] is None


NONSENSE = [
    ("limit=0", "query.limit"), ("limit=201", "query.limit"), ("limit=1_0", "query.limit"),
    ("limit=" + "9" * 400, "query.limit"), ("limit=1e400", "query.limit"), ("limit=%20", "query.limit"),
    ("sort=best", "query.sort"), ("mood=furious", "query.mood"), ("status=lost", "query.status"),
    ("from=0000-01-01", "query.from"), ("from=10000-01-01", "query.from"), ("from=2026-02-30", "query.from"),
    ("to=yesterday", "query.to"), ("since=5", "query.since"), ("since=2026-09-30T08:00:00", "query.since"),
    ("since=0000-01-01T00:00:00Z", "query.since"), ("silence=40-30", "query.silence"),
    ("silence=0-101", "query.silence"),
    ("undated=yes", "query.undated"), ("q=%00", "query.q"), ("agent=a%00b", "query.agent"), ("q=", "query.q"),
    ("agent=" + "x" * 401, "query.agent"), ("call_id=7", "query.call_id.0"), ("after=x", "query.after"),
    ("after=" + "A" * 44, None), ("after=" + "_" * 44, "query.after"), ("nonsense=1", "query.nonsense"),
    ("page=2", "query.page"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "where"), NONSENSE)
def test_what_means_nothing_is_refused_by_its_place(api: Room, query: str, where: str | None) -> None:
    answer = api.browser.get(f"/v1/calls?{query}")
    if where is None:
        assert answer.status_code == 200  # a place in the list by the lowest id and keys: whatever comes after
        return
    assert answer.status_code == 422, answer.text
    assert [fault.where for fault in told(answer).errors] == [where]


def test_a_place_in_a_list_of_another_order_is_refused(client: TestClient) -> None:
    first = client.get("/v1/calls?sort=longest&limit=2").json()
    assert told(client.get(f"/v1/calls?sort=newest&after={first['next']}")).errors[0].where == "query.after"


def test_half_a_surrogate_in_a_query_is_a_character_like_others(client: TestClient) -> None:
    assert client.get("/v1/calls?q=%ed%a0%80&agent=%ed%a0%80").status_code == 200


def test_an_empty_database_has_no_calls(database: Database, api: Room, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM calls")
    assert api.browser.get("/v1/calls?total=true").json() == {
        "calls": [], "next": None, "total": {"calls": 0, "duration_s": 0.0},
    }  # fmt: skip
