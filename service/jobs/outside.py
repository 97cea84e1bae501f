"""Addresses that somebody else names: where recordings are fetched, and who is called back.

Whoever hands in an address must not reach through us what only we can reach. So an address has https and a public
host, unless `service.trusted_hosts` names it; the name is resolved here, all its addresses are looked at, and the
connection goes to one of these, so that another answer of the name server changes nothing (DNS rebinding). Redirects
are followed by hand, each as a new address.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from pipeline.errors import ServiceUnavailable, TerminalError
from pipeline.outside import PLAIN

if TYPE_CHECKING:
    import ssl

    import httpx

MOST_REDIRECTS = 5
_CONNECT_S = 10.0
_READ_S = 30.0
_PIECE = 64 * 1024
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_ASKED_S = 300.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]


class ForbiddenAddress(TerminalError):
    """An address that is not asked."""


class Refused(TerminalError):
    """The server will not answer otherwise another time."""


class NotNow(ServiceUnavailable):
    """The server did not answer as it should; it may another time."""

    def __init__(self, message: str, asked_s: float | None = None) -> None:
        super().__init__(message)
        self.asked_s = asked_s
        """Seconds that the server asks to wait."""


@dataclass(frozen=True, slots=True)
class _Target:
    url: httpx.URL
    host: str
    address: str


class OutsideHttp:
    """Asks addresses that somebody else names. Safe from several threads."""

    def __init__(
        self, trusted: Collection[str] = (), *, resolve: Resolve | None = None, verify: ssl.SSLContext | None = None
    ) -> None:
        """`trusted`: hosts that may be private and without https."""
        import httpx

        self._trusted = frozenset(host.lower().rstrip(".") for host in trusted)
        self._resolve = resolve or _resolved
        self._client = httpx.Client(
            trust_env=False,  # a proxy would resolve the name again
            follow_redirects=False,
            verify=verify or httpx.create_ssl_context(),
            headers={**PLAIN, "User-Agent": "earshot"},
        )

    def check_form(self, address: str) -> None:
        """What can be said without resolving the name. Raises ForbiddenAddress."""
        self._parsed(address)

    @contextmanager
    def get(self, address: str, limit_s: float) -> Iterator[Iterator[bytes]]:
        """The body of the answer, piece by piece, redirects followed. Its limits are those of the whole.

        Raises ForbiddenAddress, Refused, NotNow.
        """
        deadline = time.monotonic() + limit_s
        for _ in range(MOST_REDIRECTS + 1):
            with self._answer("GET", address, None, {}, deadline) as answer:
                if not answer.has_redirect_location:
                    _check(answer)
                    yield _body(answer, deadline, limit_s)
                    return
                address = _next_address(address, answer)
        raise Refused(f"more than {MOST_REDIRECTS} redirects")

    def post(self, address: str, content: bytes, headers: Mapping[str, str], limit_s: float) -> None:
        """Raises ForbiddenAddress, Refused, NotNow. What is answered is not read."""
        with self._answer("POST", address, content, headers, time.monotonic() + limit_s) as answer:
            if answer.has_redirect_location:
                raise Refused(f"answered {answer.status_code}: redirects are not followed; name the final address")
            _check(answer)

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _answer(
        self, method: str, address: str, content: bytes | None, headers: Mapping[str, str], deadline: float
    ) -> Iterator[httpx.Response]:
        import httpx

        target = self._target(address)
        left_s = max(0.1, deadline - time.monotonic())
        request = self._client.build_request(
            method,
            target.url.copy_with(host=target.address),
            content=content,
            headers={**headers, "Host": target.url.netloc.decode("ascii")},
            extensions={"sni_hostname": target.host},
            timeout=httpx.Timeout(min(_READ_S, left_s), connect=min(_CONNECT_S, left_s)),
        )
        try:
            answer = self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise NotNow(f"{target.host}: no answer ({type(error).__name__})") from None
        try:
            yield answer
        finally:
            answer.close()

    def _parsed(self, address: str) -> tuple[httpx.URL, str]:
        import httpx

        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            raise ForbiddenAddress("not an address") from None
        host = url.host.lower().rstrip(".")
        if not host or url.userinfo:
            raise ForbiddenAddress("an address needs a host, and no user or password in it")
        if host not in self._trusted and url.scheme != "https":
            raise ForbiddenAddress("only https (service.trusted_hosts names exceptions)")
        if url.scheme not in ("https", "http"):
            raise ForbiddenAddress("only https and http")
        return url, host

    def _target(self, address: str) -> _Target:
        url, host = self._parsed(address)
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = self._resolve(url.raw_host.decode("ascii"), port)
        except OSError:
            raise NotNow(f"{host}: no such host is known") from None
        if not addresses:
            raise NotNow(f"{host}: no such host is known")
        if host not in self._trusted and not all(is_public(ipaddress.ip_address(address)) for address in addresses):
            raise ForbiddenAddress(f"{host}: not a public address (service.trusted_hosts names exceptions)")
        return _Target(url, host, addresses[0])


def _next_address(address: str, answer: httpx.Response) -> str:
    """The request's own URL holds a number instead of the host."""
    import httpx

    try:
        return str(httpx.URL(address).join(answer.headers["location"]))
    except httpx.InvalidURL:
        raise Refused("redirects to something that is not a URL") from None


def is_public(address: Address) -> bool:
    """Whether anybody can reach this address: not private, loopback, link-local, metadata, multicast or reserved."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _inner(address: Address) -> Address | None:
    """The address that another one carries: a gateway on the way may go there."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _resolved(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]).partition("%")[0] for *_, where in found))


def _check(answer: httpx.Response) -> None:
    """Raises Refused, NotNow."""
    status = answer.status_code
    if status in _AGAIN:
        asked = answer.headers.get("retry-after", "")
        asked_s = min(_LONGEST_ASKED_S, float(asked)) if asked.isascii() and asked.isdigit() else None
        raise NotNow(f"answered {status} {_phrase(status)}".strip(), asked_s)
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise Refused(f"answered {status} {_phrase(status)}".strip())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _body(answer: httpx.Response, deadline: float, limit_s: float) -> Iterator[bytes]:
    import httpx

    if answer.headers.get("content-encoding", "identity") != "identity":
        raise Refused("the answer is compressed, which was not asked for")
    try:
        for piece in answer.iter_raw(_PIECE):
            if time.monotonic() > deadline:
                raise Refused(f"not complete within {limit_s:g} s (service.fetch_timeout_s)")
            yield piece
    except httpx.HTTPError as error:
        raise NotNow(f"broke off ({type(error).__name__})") from None
