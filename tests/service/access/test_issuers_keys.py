"""Keys of an issuer: asked for when they are new, kept for a time, read from a file or an address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.access.jwt_keys import LONGEST_BYTES, IssuersKeys, KeyAddress, KeyFile, KeysUnavailable
from service.access.jwts import BadJwt, JwtReader
from tests.loopback import Reply, Request, endless, listening
from tests.service.access.test_jwts import Clock, Source, ec_key, public, reader, settings, signed


def test_a_new_key_is_asked_for_and_unknown_ones_cost_one_question_a_minute() -> None:
    source, clock = Source([public(ec_key("a"), "a")]), Clock()
    jwts = reader(source, clock)
    assert jwts.read(signed())
    assert source.asked == 1
    source.keys.append(public(ec_key("b"), "b"))
    clock.now += 61
    assert jwts.read(signed(kid="b", key=ec_key("b")))
    assert source.asked == 2
    for number in range(200):
        with pytest.raises(BadJwt):
            jwts.read(signed(kid=f"unknown-{number}", key=ec_key("evil")))
    assert source.asked == 2
    clock.now += 61
    with pytest.raises(BadJwt):
        jwts.read(signed(kid="unknown", key=ec_key("evil")))
    assert source.asked == 3


@pytest.mark.parametrize(
    ("after_s", "kid", "asked"),
    [(3600.0, "a", 1), (3600.5, "a", 2), (59.5, "b", 1), (60.0, "b", 2), (59.5, "a", 1)],
)
def test_when_keys_are_asked_for_again(after_s: float, kid: str, asked: int) -> None:
    source, clock = Source([public(ec_key("a"), "a")]), Clock()
    keys = IssuersKeys(source, kept_s=3600, wait_s=60, now=clock)
    clock.now = 1000.0
    assert keys.key("a", "ES256") is not None
    clock.now += after_s
    assert (keys.key(kid, "ES256") is not None) is (kid == "a")
    assert source.asked == asked


def test_an_issuer_that_is_away_is_not_asked_at_once_again() -> None:
    source, clock = Source([], away=True), Clock()
    keys = IssuersKeys(source, kept_s=3600, wait_s=60, now=clock)
    for after_s, asked in ((0.0, 1), (59.5, 1), (1.0, 2)):
        clock.now += after_s
        with pytest.raises(KeysUnavailable):
            keys.key("a", "ES256")
        assert source.asked == asked


def test_a_key_that_was_withdrawn_is_good_no_longer_after_its_time() -> None:
    source, clock = Source([public(ec_key("a"), "a")]), Clock()
    jwts = reader(source, clock)
    assert jwts.read(signed())
    source.keys = [public(ec_key("b"), "b")]
    clock.now += 3601
    with pytest.raises(BadJwt):
        jwts.read(signed())


def test_while_the_issuer_is_away_the_keys_at_hand_are_used_and_without_any_it_is_told() -> None:
    source, clock = Source([public(ec_key("a"), "a")]), Clock()
    jwts = reader(source, clock)
    assert jwts.read(signed())
    source.away = True
    clock.now += 4000
    assert jwts.read(signed())
    with pytest.raises(KeysUnavailable):
        reader(Source([], away=True)).read(signed())


def test_a_file_of_keys_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public(ec_key("a"), "a")]}))
    jwts = JwtReader(settings(), IssuersKeys(KeyFile(path), kept_s=3600, wait_s=60))
    assert jwts.read(signed())
    path.write_text(json.dumps({"keys": [public(ec_key("b"), "key-b")]}))
    assert jwts.read(signed(kid="key-b", key=ec_key("b")))
    with pytest.raises(BadJwt):
        jwts.read(signed())
    path.unlink()
    assert jwts.read(signed(kid="key-b", key=ec_key("b")))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": 5}', '{"keys": [5, null]}', "[" * 100_000])
def test_what_is_no_set_of_keys_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises((BadJwt, KeysUnavailable)):
        JwtReader(settings(), IssuersKeys(KeyFile(path), kept_s=3600, wait_s=60)).read(signed())


@pytest.fixture
def issuer() -> Iterator[str]:
    """A server of keys; `/elsewhere` leads away, `/endless` does not end."""

    def answer(request: Request) -> Reply:
        if request.path == "/elsewhere":
            return Reply(302, headers={"Location": "/keys"})
        keys = json.dumps({"keys": [public(ec_key("a"), "a")]}).encode()
        if request.path in ("/long", "/too-long"):
            return Reply(200, keys.ljust(LONGEST_BYTES + (request.path == "/too-long")))
        return Reply(200, endless(keys) if request.path == "/endless" else keys)

    with listening(answer) as server:
        yield server.url


def test_keys_come_from_an_address_that_is_asked_directly_and_in_bounds(issuer: str) -> None:
    def at(path: str) -> JwtReader:
        return JwtReader(settings(), IssuersKeys(KeyAddress(f"{issuer}{path}"), kept_s=3600, wait_s=60))

    for path in ("/keys", "/long"):
        assert at(path).read(signed()).principal.name == "jwt:ann"
    for path in ("/elsewhere", "/endless", "/too-long"):
        with pytest.raises(KeysUnavailable):
            at(path).read(signed())
