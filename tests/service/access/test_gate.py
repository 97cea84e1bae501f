"""Who is let in by a token, and what is told, kept and logged of those who are not."""

from __future__ import annotations

import hmac
import logging
import time

import psycopg
import pytest
from fastapi import HTTPException
from starlette.requests import HTTPConnection

from db.access.scopes import Scope
from db.access.token_text import new_token
from db.access.tokens import all_tokens, revoke_token
from db.connection import Database
from pipeline.config.areas.access import AccessSettings
from pipeline.errors import ConfigurationError
from service.access import refusals
from service.access.gate import Gate
from tests.service.access.conftest import House, token_in
from tests.service.access.test_jwts import Source, reader, signed

CALLS = "/calls"


def test_a_good_token_is_let_in_and_its_use_is_kept(house: House) -> None:
    token = token_in(house.database, "reporting")
    client = house.client(token)
    assert client.get(CALLS).status_code == 200
    client.get(CALLS)
    (kept,) = all_tokens(house.database)
    assert kept.last_used_at is not None
    assert kept.last_used_from == "192.0.2.7"
    assert token.encode() not in bytes(repr(kept), "utf-8")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_the_scheme_is_told_by_its_name_in_any_case(house: House, scheme: str) -> None:
    token = token_in(house.database, "x")
    assert house.client().get(CALLS, headers={"Authorization": f"{scheme} {token}"}).status_code == 200


def told(house: House, token: str) -> str:
    """The answer of the API, whose page is known by its problem."""
    answer = house.client(token).get(f"/v1/calls/{house.mine}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="earshot"')
    return str(answer.json()["detail"])


def test_tokens_that_are_not_good_are_told_apart(house: House) -> None:
    good = token_in(house.database, "good")
    assert "has expired" in told(house, token_in(house.database, "old", for_s=-1.0))
    revoked = token_in(house.database, "revoked")
    revoke_token(house.database, "revoked")
    assert "was revoked" in told(house, revoked)
    assert "unknown" in told(house, new_token().text)
    wrong = {
        "a letter": good[:30] + ("a" if good[30] != "a" else "b") + good[31:],
        "the end": good[:-3],
        "more": f"{good}a",
        "no token": "hello",
        "capitals": good.upper().replace("EARSHOT", "earshot"),
    }
    for what, text in wrong.items():
        assert "incomplete or mistyped" in told(house, text), what
    assert house.client(good).get(CALLS).status_code == 200


def test_the_secret_of_another_token_opens_nothing(house: House) -> None:
    """An id that is known with a secret that is not: its checksum is right, so that only the digest tells."""
    token = token_in(house.database, "x")
    with psycopg.connect(house.database.url, autocommit=True) as connection:
        connection.execute("UPDATE access_tokens SET secret_sha256 = sha256('another')")
    assert "unknown" in told(house, token)


@pytest.mark.parametrize("header", ["Basic dXNlcjpwdw==", "Bearer", "Bearer ", "earshot_x", f"Bearer {'a' * 9000}"])
def test_other_ways_to_ask_are_refused(house: House, header: str) -> None:
    answer = house.client().get(f"/v1/calls/{house.mine}", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_token_in_the_address_is_no_token(house: House) -> None:
    token = token_in(house.database, "x", [Scope.ADMIN])
    assert house.client().get(f"/v1/calls/{house.mine}?token={token}&access_token={token}").status_code == 401


def test_a_revoked_token_is_refused_at_once(house: House) -> None:
    client = house.client(token_in(house.database, "x"))
    assert client.get(CALLS).status_code == 200
    revoke_token(house.database, "x")
    assert client.get(f"/v1/calls/{house.mine}").status_code == 401


def test_digests_are_compared_in_constant_time_also_where_there_is_no_such_token(database: Database) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def same(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    gate = Gate(database, AccessSettings(), local=False, same=same)
    gate.by_token(token_in(database, "x"), None)
    with pytest.raises(HTTPException):
        gate.by_token(new_token().text, None)
    assert len(compared) == 2
    assert all(len(one) == len(other) == 32 for one, other in compared)


def test_many_wrong_tokens_are_counted_and_forgotten(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """From one address: 20 are looked at, the others are told to wait; who was let in there before is let in."""
    good = token_in(house.database, "good")
    assert house.client(good).get(CALLS).status_code == 200
    late = token_in(house.database, "late")
    wrong = [new_token().text for _ in range(200)]
    client = house.client()
    with caplog.at_level(logging.WARNING, "service.access.gate"):
        started = int(time.time()) // 60
        answers = [
            client.get(f"/v1/calls/{house.mine}", headers={"Authorization": f"Bearer {token}"}) for token in wrong
        ]
        minutes = int(time.time()) // 60 - started + 1
    refused = [answer for answer in answers if answer.status_code == 401]
    waiting = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) + len(waiting) == len(wrong)
    assert len(refused) <= 20 * (minutes + 1)
    assert all(1 <= int(answer.headers["retry-after"]) <= 60 for answer in waiting)
    assert len(caplog.records) <= 21 * (minutes + 1)
    assert not any(token in caplog.text for token in wrong)
    assert "192.0.2.7" in caplog.text
    assert "This token is unknown." in caplog.text
    assert house.client(good).get(CALLS).status_code == 200
    assert house.client(late, address="192.0.2.8").get(CALLS).status_code == 200


def test_an_address_of_ipv6_is_its_network(house: House) -> None:
    for number in range(25):
        answer = house.client(new_token().text, address=f"2001:db8::{number:x}").get(f"/v1/calls/{house.mine}")
    assert answer.status_code == 429


class TestLimits:
    @pytest.fixture
    def access(self) -> AccessSettings:
        return AccessSettings(requests_per_minute=5)

    def test_a_token_that_asks_too_often_is_told_to_wait_and_no_other(self, house: House) -> None:
        busy, other = (house.client(token_in(house.database, name)) for name in ("busy", "other"))
        answers = [busy.get(f"/v1/calls/{house.mine}") for _ in range(12)]
        late = [answer for answer in answers if answer.status_code == 429]
        assert len(late) >= 2
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in late)
        assert "too many" in late[0].json()["detail"].lower()
        assert other.get(CALLS).status_code == 200


def asks(headers: dict[str, str]) -> HTTPConnection:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection(
        {"type": "http", "scheme": "http", "path": "/", "headers": raw, "client": ("127.0.0.1", 5), "query_string": b"",
         "server": ("127.0.0.1", 8642)}
    )  # fmt: skip


def test_while_the_issuers_keys_are_away_it_is_told(database: Database) -> None:
    gate = Gate(database, AccessSettings(), local=False, jwts=reader(Source([], away=True)))
    with pytest.raises(HTTPException) as refused:
        gate.by_token(signed(), None)
    assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "30"})


@pytest.mark.parametrize(("wait_s", "told_s"), [(-3.0, 1), (0.2, 1), (1.0, 1), (59.1, 60)])
def test_how_long_to_wait_is_told_in_whole_seconds(wait_s: float, told_s: int) -> None:
    refused = refusals.too_many(wait_s, "of these")
    assert refused.headers == {"Retry-After": str(told_s)}
    assert refused.detail == f"Too many of these; ask again in {told_s} s."


def test_on_loopback_nobody_in_particular_is_the_local_one(database: Database) -> None:
    gate = Gate(database, AccessSettings(), local=True)
    local = gate.admit(asks({}))
    assert (local.name, local.address) == ("local", "127.0.0.1")
    assert local.may(Scope.ADMIN)
    token = token_in(database, "narrow", [Scope.SUBMIT])
    assert gate.admit(asks({"Authorization": f"Bearer {token}"})).name == "narrow"
    with pytest.raises(HTTPException, match="401"):
        gate.admit(asks({"Authorization": "Bearer wrong"}))


def test_this_machines_user_is_not_limited(database: Database) -> None:
    """A script that handed in a night's calls in a minute was told of too many requests with a token it had none of."""
    gate = Gate(database, AccessSettings(requests_per_minute=2), local=True)
    assert {gate.admit(asks({})).name for _ in range(9)} == {"local"}


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_on_this_machine_does_not_make_others_local(database: Database, header: str) -> None:
    gate = Gate(database, AccessSettings(), local=True)
    with pytest.raises(HTTPException, match=r"service\.access\.required"):
        gate.admit(asks({header: "203.0.113.5"}))


def test_two_good_tokens_do_not_have_one_name(database: Database) -> None:
    token_in(database, "x")
    with pytest.raises(ConfigurationError, match="already"):
        token_in(database, "x")
    revoke_token(database, "x")
    token_in(database, "x")
    assert [token.good for token in all_tokens(database)] == [True, False]


def test_what_is_kept_of_a_token_does_not_give_it_back(database: Database) -> None:
    token = token_in(database, "x")
    with psycopg.connect(database.url) as connection:
        rows = connection.execute("SELECT t::text FROM access_tokens t").fetchall()
    secret = token.split("_")[2]
    assert secret not in str(rows)
    assert all_tokens(database)[0].token_id == token.split("_")[1]
