"""Around every request: its id and place in a trace, its line in the log, its figures, its span."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders

from pipeline.tracing.origin import Origin, TracePlace, new_trace, request_id_of, trace_place, working_for
from pipeline.tracing.spans import Span, Spans

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("service.requests")

REQUEST_ID = "X-Request-ID"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNMATCHED = "unmatched"
"""Route of requests that no route serves: addresses that callers make up are no label."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_UNASKED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by a machine: no line in the log, and no span."""


class RequestFigures:
    """What is counted of requests. Labels are routes as they are declared, never addresses as they were asked."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "earshot_http_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "earshot_http_request_seconds",
            "From a request's first byte to its answer's: what streams on after that is not counted.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.under_way = Gauge("earshot_http_requests_under_way", "Requests under way.", registry=registry)
        self.sockets = Gauge("earshot_websockets_open", "WebSockets open.", ["route"], registry=registry)


class RequestMonitor:
    """ASGI middleware, outermost: it sees what the others refuse, too."""

    def __init__(
        self, app: ASGIApp, *, figures: RequestFigures, spans: Spans, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._figures = figures
        self._spans = spans
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        caller = trace_place(headers.get("traceparent"))
        trace = caller.child() if caller is not None else new_trace()
        origin = Origin(request_id_of(headers.get(REQUEST_ID)), trace)
        scope.setdefault("state", {})["origin"] = origin
        with working_for(origin):
            if scope["type"] == "http":
                watched = _Watched(self._figures, self._spans, scope, caller, now=self._now)
                await watched.serve(self._app, receive, send)
            else:
                await self._socket(scope, receive, send, origin)

    async def _socket(self, scope: Scope, receive: Receive, send: Send, origin: Origin) -> None:
        """Counted from its acceptance to its end, by its route, which is known by then."""
        opened: str | None = None

        async def sent(message: Message) -> None:
            nonlocal opened
            if message["type"] == "websocket.accept" and opened is None:
                opened = _route(scope)
                self._figures.sockets.labels(opened).inc()
                MutableHeaders(scope=message).append(REQUEST_ID, origin.request_id)
                log.info("WebSocket %s opened", opened)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            if opened is not None:
                self._figures.sockets.labels(opened).dec()
                log.info("WebSocket %s closed", opened)


class _Watched:
    """One HTTP request, from its first byte to the end of its answer."""

    def __init__(
        self,
        figures: RequestFigures,
        spans: Spans,
        scope: Scope,
        caller: TracePlace | None,
        *,
        now: Callable[[], float],
    ) -> None:
        self._figures = figures
        self._spans = spans
        self._scope = scope
        self._origin: Origin = scope["state"]["origin"]
        self._caller = caller
        self._now = now
        self._began, self._began_at = now(), time.time()
        self._status: int | None = None

    async def serve(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(message)
            await send(message)

        self._figures.under_way.inc()
        try:
            await app(self._scope, receive, sent)
        finally:
            self._figures.under_way.dec()
            self._ended()

    def _answered(self, message: Message) -> None:
        self._status = message["status"]
        headers = MutableHeaders(scope=message)
        headers[REQUEST_ID] = self._origin.request_id
        headers["traceparent"] = self._origin.traceparent
        self._figures.seconds.labels(self._method, _route(self._scope)).observe(self._now() - self._began)

    def _ended(self) -> None:
        """An error that nobody handled has not begun an answer: the server's own page of it is a 500."""
        status, route = self._status or 500, _route(self._scope)
        self._figures.requests.labels(self._method, route, str(status)).inc()
        if route in _UNASKED:
            return
        log.info("%s %s %d in %.0f ms", self._method, route, status, 1000 * (self._now() - self._began))
        self._spans.add(
            Span(
                name=f"{self._method} {route}",
                place=self._origin.place,
                parent=self._caller,
                start_s=self._began_at,
                end_s=time.time(),
                attributes={
                    "http.request.method": self._method,
                    "http.route": route,
                    "http.response.status_code": status,
                    "earshot.request_id": self._origin.request_id,
                },
                kind="server",
                failed=status >= 500,
            )
        )

    @property
    def _method(self) -> str:
        method = str(self._scope["method"]).upper()
        return method if method in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The route as it is declared; known once the request was routed."""
    return str(getattr(scope.get("route"), "path", _UNMATCHED))
