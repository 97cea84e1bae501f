"""Headers of every answer, and who may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: MutableMapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Words of calls are not kept by a browser, and no other site may show or load them."""
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

Next = Callable[[Request], Awaitable[Response]]


async def guarded(request: Request, call_next: Next) -> Response:
    """Refuse what does not come to this machine by its own name, and what changes anything; add the headers.

    A page of another site can make a browser send requests here, under a name that it lets point to 127.0.0.1
    (DNS rebinding): then the name gives it away.
    """
    if _host(request.headers.get("host", "")) not in LOOPBACK_NAMES:
        answer: Response = PlainTextResponse("This address is not served here.", 421)
    elif request.method not in ("GET", "HEAD"):
        answer = PlainTextResponse("Only reading is possible here.", 405, headers={"Allow": "GET, HEAD"})
    else:
        answer = await call_next(request)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _host(header: str) -> str:
    name, _, port = header.rpartition(":")
    return (name if name and port.isdigit() else header).lower()


def loopback_only(app: Any) -> None:
    """Guard every route of `app`."""
    app.middleware("http")(guarded)
