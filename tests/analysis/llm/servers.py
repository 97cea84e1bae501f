"""Loopback servers that speak the vendors' protocols, with the faults of real ones."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = Mapping[str, Any]
Behaviour = Callable[[BaseHTTPRequestHandler, Body], None]
"""Answers one request, or fails to."""


@dataclass(frozen=True, slots=True)
class Seen:
    path: str
    body: dict[str, Any]
    text: str
    at_s: float
    headers: dict[str, str]


@dataclass(slots=True)
class Server:
    """Answers by `behave(number of the request, body)`; keeps everything it was sent."""

    url: str
    behave: Callable[[int, Body], Behaviour]
    seen: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(behave: Callable[[int, Body], Behaviour]) -> Iterator[Server]:
    """A server for the length of a `with`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            body = json.loads(text or "{}")
            with server.lock:
                number = len(server.seen)
                server.seen.append(
                    Seen(
                        self.path,
                        body,
                        text,
                        time.monotonic(),
                        {name.lower(): value for name, value in self.headers.items()},
                    )
                )
            try:
                server.behave(number, body)(self, body)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    http = Quiet(("127.0.0.1", 0), Handler)
    http.stopping = threading.Event()  # type: ignore[attr-defined]
    server = Server(f"http://127.0.0.1:{http.server_port}", behave, stopping=http.stopping)  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        http.shutdown()
        http.server_close()
        thread.join(5)


def send(
    handler: BaseHTTPRequestHandler, status: int, payload: bytes, headers: Mapping[str, str] | None = None
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(payload)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(payload)


def chat(text: str, **more: Any) -> bytes:
    """A chat completion as OpenAI's service gives it."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, "logprobs": None}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice | more],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
    ).encode()


def answers(text: str, **more: Any) -> Behaviour:
    return lambda handler, body: send(handler, 200, chat(text, **more))


def fails(status: int, headers: Mapping[str, str] | None = None, **error: str) -> Behaviour:
    payload = json.dumps({"error": {"message": "no luck", "type": "test"} | error}).encode()
    return lambda handler, body: send(handler, status, payload, headers)


def body_is(payload: bytes) -> Behaviour:
    return lambda handler, body: send(handler, 200, payload)


def cuts(handler: BaseHTTPRequestHandler, body: Body) -> None:
    """Half an answer, then a closed connection."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"id": "chatcmpl-1", "cho')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def is_silent(handler: BaseHTTPRequestHandler, body: Body) -> None:
    """Takes the request and says nothing."""
    handler.server.stopping.wait(20)  # type: ignore[attr-defined]
    handler.close_connection = True


def drips(handler: BaseHTTPRequestHandler, body: Body) -> None:
    """A valid answer, a byte at a time: no single read is ever late."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.stopping.wait(0.02):  # type: ignore[attr-defined]
        handler.wfile.write(b" ")
        handler.wfile.flush()
