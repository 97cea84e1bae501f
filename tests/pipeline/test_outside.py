"""What comes from outside is limited, uncompressed and not redirected, whichever client fetches it."""

from __future__ import annotations

import urllib.request

import pytest

from pipeline.errors import EarshotError, InvalidReply
from pipeline.outside import AnswerTooLong, on_this_machine, open_address, requests_session
from tests.loopback import Reply, listening


def test_an_answer_up_to_the_limit_is_read_and_a_longer_one_is_dropped() -> None:
    session = requests_session(most=1000)
    with listening(lambda request: Reply(200, b"x" * int(request.path[1:]))) as server:
        assert session.get(f"{server.url}/1000", timeout=5).content == b"x" * 1000
        with pytest.raises(AnswerTooLong, match="longer than 1,000 bytes"):
            session.get(f"{server.url}/1001?token=secret", timeout=5)
        with pytest.raises(EarshotError) as told:
            session.get(f"{server.url}/1001?token=secret", timeout=5)
        assert "secret" not in str(told.value)


@pytest.mark.parametrize(("encoding", "taken"), [("identity", True), ("gzip", False), ("br", False)])
def test_a_compressed_answer_is_not_unpacked(encoding: str, taken: bool) -> None:
    with listening(lambda _: Reply(200, b"words", {"Content-Encoding": encoding})) as server:
        if taken:
            assert requests_session().get(server.url, timeout=5).content == b"words"
        else:
            with pytest.raises(InvalidReply, match="compressed, which was not asked for"):
                requests_session().get(server.url, timeout=5)
        assert server.seen[0].headers["accept-encoding"] == "identity"


def test_no_redirect_is_followed() -> None:
    with listening(lambda request: Reply(302, b"", {"Location": f"{server.url}/elsewhere"})) as server:
        answer = requests_session().get(server.url, timeout=5)
        assert (answer.status_code, len(server.seen)) == (302, 1)
        with pytest.raises(OSError, match="302"):
            open_address(urllib.request.Request(server.url), 5)
        assert len(server.seen) == 2


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://example.org/a", "data:,words"])
def test_only_http_addresses_are_opened(address: str) -> None:
    with pytest.raises(OSError, match="no http address"):
        open_address(urllib.request.Request(address), 5)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://localhost:8080", True),
        ("https://127.0.0.1", True),
        ("http://127.8.8.8/", True),
        ("http://[::1]:80", True),
        ("http://192.168.0.1", False),
        ("https://localhost.example.org", False),
        ("https://example.org/127.0.0.1", False),
        ("", False),
    ],
)
def test_whether_an_address_is_this_machine(address: str, here: bool) -> None:
    assert on_this_machine(address) is here
