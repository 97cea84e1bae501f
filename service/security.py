"""Headers of every answer, and who may ask."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
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
_CORRECTION = re.compile(r"/calls/[0-9a-f-]{36}/correct")
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Guard:
    """Refuses what does not come to this machine by its own name, and changes by pages; adds the headers.

    A page of another site can make a browser send requests here, under a name that it lets point to 127.0.0.1
    (DNS rebinding): then the name gives it away. ASGI by itself, so that bodies stream both ways.
    """

    def __init__(self, app: ASGIApp, *, changes_under: tuple[str, ...] = ()) -> None:
        """`changes_under`: beginnings of the paths under which more than GET and HEAD is let through."""
        self._app = app
        self._changes_under = changes_under

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            await (self._app if refusal is None else WebSocketClose(1008))(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        if _host(Headers(scope=scope).get("host", "")) not in LOOPBACK_NAMES:
            return PlainTextResponse("This address is not served here.", 421)
        reads = scope["type"] == "websocket" or scope["method"] in ("GET", "HEAD")
        if not reads and not scope["path"].startswith(self._changes_under) and not _keeps_a_correction(scope):
            return PlainTextResponse("Only reading is possible here.", 405, headers={"Allow": "GET, HEAD"})
        return None


def _keeps_a_correction(scope: Scope) -> bool:
    """The one change by a page (service/correcting.py, which looks for the mark of its form)."""
    return scope["method"] == "POST" and _CORRECTION.fullmatch(scope["path"]) is not None


def _host(header: str) -> str:
    name, _, port = header.rpartition(":")
    return (name if name and port.isdigit() else header).lower()
