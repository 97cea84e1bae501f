"""Addresses that somebody else names, against real servers on this machine."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from service.jobs.outside import MOST_REDIRECTS, ForbiddenAddress, NotNow, OutsideHttp, Refused, is_public
from tests.loopback import Loopback, Reply, Request, endless, listening


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "100.100.100.200", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
     "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::",
     "64:ff9b::a9fe:a9fe", "2001:0:0:0:0:0:80ff:fffe", "2001:db8::1"],
)  # fmt: skip
def test_addresses_that_only_we_may_reach_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "2002:808:808::",
        "2001:0:4136:e378::f7f7:f7f7",
        "64:ff9b::808:808",
    ],
)
def test_addresses_that_anybody_reaches_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def by_path(request: Request) -> Reply:
    name = request.target.strip("/").partition("?")[0]
    known = {
        "sound": Reply(200, b"sound"),
        "endless": Reply(200, endless(piece=b"x" * 65_536, pause_s=0.01)),
        "broken": Reply(200, b"1", missing_bytes=99),
        "packed": Reply(200, b"x", {"Content-Encoding": "gzip"}),
        "to-sound": Reply(302, headers={"Location": "/sound"}),
        "round": Reply(302, headers={"Location": "/round"}),
    }
    if name.startswith("to="):
        return Reply(302, headers={"Location": f"http://{name[3:]}/"})
    return known[name] if name in known else Reply(int(name), b"no", {"Retry-After": "7"})


@pytest.fixture
def server() -> Iterator[Loopback]:
    with listening(by_path) as one:
        yield one


@pytest.fixture
def port(server: Loopback) -> int:
    return server.port


@pytest.fixture
def outside() -> Iterator[OutsideHttp]:
    one = OutsideHttp(["127.0.0.1", "recorder.example"], resolve=here)
    yield one
    one.close()


def here(host: str, _port: int) -> Sequence[str]:
    """Every name is this machine; this is what a rebinding name server says."""
    return ["8.8.8.8", "127.0.0.1"] if host == "half.example" else ["127.0.0.1"]


def fetched(outside: OutsideHttp, address: str, limit_s: float = 5) -> bytes:
    with outside.get(address, limit_s) as body:
        return b"".join(body)


def test_a_host_that_is_trusted_is_asked_at_the_address_its_name_has(outside: OutsideHttp, server: Loopback) -> None:
    port = server.port
    assert fetched(outside, f"http://recorder.example:{port}/sound") == b"sound"
    assert server.seen[-1].headers["host"] == f"recorder.example:{port}"
    assert fetched(outside, f"http://127.0.0.1:{port}/to-sound") == b"sound"


@pytest.mark.parametrize(
    "address",
    ["https://localhost/", "https://half.example/", "https://private.example/", "http://public.example/",
     "ftp://127.0.0.1/", "https://", "http://127.0.0.1.private.example/", "https://user:word@example.com/",
     "http://[::1]/", "http://0x7f000001/", "http://2130706433/"],
)  # fmt: skip
def test_other_hosts_are_not_asked_where_only_we_reach_them(outside: OutsideHttp, address: str) -> None:
    with pytest.raises(ForbiddenAddress):
        fetched(outside, address)


@pytest.mark.parametrize("to", ["localhost:1", "metadata.example", "169.254.169.254", "private.example"])
def test_a_redirect_does_not_lead_there_either(outside: OutsideHttp, port: int, to: str) -> None:
    with pytest.raises(ForbiddenAddress):
        fetched(outside, f"http://127.0.0.1:{port}/to={to}")


@pytest.mark.parametrize(
    ("path", "error"),
    [("404", Refused), ("403", Refused), ("304", Refused), ("round", Refused), ("packed", Refused), ("503", NotNow),
     ("429", NotNow), ("broken", NotNow)],
)  # fmt: skip
def test_what_is_worth_another_try(outside: OutsideHttp, port: int, path: str, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        fetched(outside, f"http://127.0.0.1:{port}/{path}")
    if path == "503":
        assert isinstance(raised.value, NotNow)
        assert raised.value.asked_s == 7


def test_an_answer_that_never_ends_is_given_up(outside: OutsideHttp, port: int) -> None:
    with pytest.raises(Refused, match="fetch_timeout_s"):
        fetched(outside, f"http://127.0.0.1:{port}/endless", limit_s=0.3)


def test_nobody_listening_is_worth_another_try(outside: OutsideHttp) -> None:
    with pytest.raises(NotNow):
        fetched(outside, "http://127.0.0.1:9/")


def test_once_closed_it_asks_nobody(port: int) -> None:
    outside = OutsideHttp(["127.0.0.1"], resolve=here)
    outside.post(f"http://127.0.0.1:{port}/sound", b"{}", {}, 5)
    outside.close()
    with pytest.raises(RuntimeError, match="closed"):
        outside.post(f"http://127.0.0.1:{port}/sound", b"{}", {}, 5)


def test_a_callback_is_not_sent_elsewhere(outside: OutsideHttp, port: int) -> None:
    outside.post(f"http://127.0.0.1:{port}/sound", b"{}", {}, 5)
    with pytest.raises(Refused, match="redirects are not followed"):
        outside.post(f"http://127.0.0.1:{port}/to-sound", b"{}", {}, 5)


def late(_: Request) -> Reply:
    time.sleep(0.3)
    return Reply(200, b"sound")


def test_an_answer_within_its_limit_is_waited_for_and_a_later_one_is_not(outside: OutsideHttp) -> None:
    """The limit is of each call: longer than a moment, and no longer than asked."""
    with listening(late) as slow:
        address = f"http://127.0.0.1:{slow.port}/"
        outside.post(address, b"{}", {"X-Event": "done"}, 5)
        assert (slow.seen[-1].method, slow.seen[-1].body, slow.seen[-1].headers["x-event"]) == ("POST", b"{}", "done")
        assert fetched(outside, address, 5) == b"sound"
        with pytest.raises(NotNow):
            outside.post(address, b"{}", {}, 0.1)
        with pytest.raises(NotNow):
            fetched(outside, address, 0.1)


def unknown(_host: str, _port: int) -> Sequence[str]:
    raise OSError("no such name")


@pytest.mark.parametrize("resolve", [unknown, lambda _host, _port: ()], ids=["an error", "no address"])
def test_a_name_that_nobody_knows_may_be_known_later(resolve: Callable[[str, int], Sequence[str]]) -> None:
    outside = OutsideHttp(resolve=resolve)
    with pytest.raises(NotNow, match=r"^calls\.example: no such host is known$"):
        fetched(outside, "https://calls.example/a.wav")
    outside.close()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("https://[::", "not an address"),
        ("https://calls.example:x/", "not an address"),
        ("https:///a.wav", "needs a host"),
        ("https://user@calls.example/", "no user"),
        ("http://calls.example/", "only https"),
        ("ftp://recorder.example/", "only https and http"),
    ],
)
def test_what_is_wrong_with_the_form_of_an_address_is_said(outside: OutsideHttp, address: str, why: str) -> None:
    with pytest.raises(ForbiddenAddress, match=why):
        outside.check_form(address)


@pytest.mark.parametrize(("redirects", "followed"), [(MOST_REDIRECTS, True), (MOST_REDIRECTS + 1, False)])
def test_redirects_are_followed_up_to_their_number(outside: OutsideHttp, redirects: int, followed: bool) -> None:
    def one_less(request: Request) -> Reply:
        left = int(request.target.strip("/"))
        return Reply(302, headers={"Location": f"/{left - 1}"}) if left else Reply(200, b"sound")

    with listening(one_less) as server:
        address = f"http://127.0.0.1:{server.port}/{redirects}"
        if followed:
            assert fetched(outside, address) == b"sound"
        else:
            with pytest.raises(Refused, match=f"more than {MOST_REDIRECTS} redirects"):
                fetched(outside, address)
