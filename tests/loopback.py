"""One HTTP server on loopback for every outside service that tests imitate: requests kept, replies scripted, faults.

with listening(lambda request: json_reply({"ok": True})) as server:
    ...  # ask server.url
assert server.seen[0].json() == {...}
"""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

_LOOK_S = 0.02
"""How soon a server that is stopped notices it."""


@dataclass(frozen=True)
class Request:
    """What a server was asked."""

    number: int
    """From 1, in the order of arrival."""
    method: str
    target: str
    """As sent: path and query."""
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes
    at_s: float
    """Of the monotonic clock."""
    handler: BaseHTTPRequestHandler = field(repr=False)
    """For an answer no `Reply` can express."""
    stopping: threading.Event = field(repr=False)
    """Set when the server is stopped: nothing waits longer."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    def form(self) -> dict[str, Any]:
        """Fields of a multipart form."""
        head = b"Content-Type: " + self.headers["content-type"].encode() + b"\n\n"
        return {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in BytesParser().parsebytes(head + self.body).walk()
            if not part.is_multipart()
        }


@dataclass(frozen=True)
class Reply:
    """What a server says, well or badly."""

    status: int = 200
    body: bytes | Generator[bytes, None, None] = b""
    """Pieces are sent one by one, without a Content-Length, until the client leaves."""
    headers: Mapping[str, str] = field(default_factory=dict)
    missing_bytes: int = 0
    """So many more are promised than are sent."""
    after_s: float = 0.0
    """The server thinks so long first."""
    resets: bool = False
    """The connection is reset after the body, as if the line had dropped."""


Answer = Callable[[Request], Reply | None]
"""None where it has answered by the request's handler itself, or says nothing."""


def json_reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})


def endless(first: bytes = b"", piece: bytes = b" " * 65_536, pause_s: float = 0.0) -> Generator[bytes, None, None]:
    """A body that never ends."""
    yield first
    for _ in itertools.count():
        yield piece
        time.sleep(pause_s)


class Loopback:
    """A server that runs from its making until `stop`.

    Args:
        answer: what is said to a request, in the thread of its connection.
        port: 0 for any.
        keep_alive: whether a connection serves several requests.
    """

    def __init__(self, answer: Answer, port: int = 0, *, keep_alive: bool = False) -> None:
        self.answer = answer
        self.first: deque[Reply] = deque()
        """Said before `answer` is asked, each once."""
        self.seen: list[Request] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1" if keep_alive else "HTTP/1.0"

            def do_GET(self) -> None:
                try:
                    outer._serve(self)
                except OSError:  # the client has left
                    self.close_connection = True

            do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the names http.server calls

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_LOOK_S,), daemon=True)
        self._thread.start()
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            number, now_s = len(self.seen) + 1, time.monotonic()
            request = Request(number, handler.command, handler.path, headers, body, now_s, handler, self.stopping)
            self.seen.append(request)
            reply = self.first.popleft() if self.first else None
        reply = reply or self.answer(request)
        if reply is not None:
            _send(handler, reply)


@contextmanager
def listening(answer: Answer, port: int = 0, *, keep_alive: bool = False) -> Iterator[Loopback]:
    """A server for the length of a `with`."""
    with Loopback(answer, port, keep_alive=keep_alive) as server:
        yield server


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    time.sleep(reply.after_s)
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    if isinstance(reply.body, bytes):
        handler.send_header("Content-Length", str(len(reply.body) + reply.missing_bytes))
        handler.close_connection = handler.close_connection or reply.missing_bytes > 0
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(reply.body)
    else:
        handler.close_connection = True
        handler.end_headers()
        with closing(reply.body) as pieces:
            for piece in pieces:
                handler.wfile.write(piece)
                handler.wfile.flush()
    if reply.resets:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(handler.connection.detach())
