"""Headers of every answer, and what is refused whoever asks."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from urllib.parse import urlsplit

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
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Words of calls are not kept by a browser, and no other site may show or load them.

Other sites learn no address of ours; our own pages do, because a browser that says nothing at all (`no-referrer`) also
sends `Origin: null` with the forms of our own pages.
"""
_CORRECTION = re.compile(r"/calls/[0-9a-f-]{36}/correct")
STRICT_TRANSPORT = "max-age=31536000"
"""For a year, a browser that was here over TLS comes back over nothing else (HSTS, RFC 6797)."""
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_READS = ("GET", "HEAD")


class Guard:
    """Refuses what does not come by an expected name, changes that another site asks for, and changes by pages; adds
    the headers.

    A page of another site can make a browser send requests here, under a name that it lets point to 127.0.0.1
    (DNS rebinding): then the name gives it away. Or under our own name, with the cookie of a login, or with none where
    none is needed (CSRF, and the same by WebSocket): then the `Origin` does. ASGI by itself, so that bodies stream both
    ways.
    """

    def __init__(
        self, app: ASGIApp, *, changes_under: tuple[str, ...] = (), names: frozenset[str] | None = LOOPBACK_NAMES
    ) -> None:
        """
        Args:
            changes_under: beginnings of the paths under which more than GET and HEAD is let through.
            names: hosts that may be asked for; None for any, where nobody is let in without a token.
        """
        self._app = app
        self._changes_under = changes_under
        self._names = names

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
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
            await send(message)

        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._names is not None and _host(headers.get("host", "")) not in self._names:
            return PlainTextResponse("This address is not served here.", 421)
        reads = scope["type"] == "http" and scope["method"] in _READS
        if not reads and _of_another_site(headers):
            return PlainTextResponse("Requests from other sites are refused.", 403)
        changes = not reads and scope["type"] == "http"
        if changes and not scope["path"].startswith(self._changes_under) and not _keeps_a_correction(scope):
            return PlainTextResponse("This server is read-only.", 405, headers={"Allow": "GET, HEAD"})
        return None


def _keeps_a_correction(scope: Scope) -> bool:
    """The one change by a page (service/correcting.py, which looks for the mark of its form)."""
    return scope["method"] == "POST" and _CORRECTION.fullmatch(scope["path"]) is not None


def _of_another_site(headers: Headers) -> bool:
    """Whether a browser says that another site's page asks. Programs send neither header.

    The scheme is not compared: a proxy may have taken TLS off.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


def _host(header: str) -> str:
    name, _, port = header.rpartition(":")
    return (name if name and port.isdigit() else header).lower()
