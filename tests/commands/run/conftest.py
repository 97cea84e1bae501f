"""A mail server and a web server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.commands.run.receiving import Received


@pytest.fixture
def mail_server() -> Iterator[Received]:
    controller_module = pytest.importorskip("aiosmtpd.controller")
    received = Received()

    class Keeper:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            received.messages.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 kept"

    class AnyPort(controller_module.Controller):  # type: ignore[name-defined,misc]
        def _trigger_server(self) -> None:
            # Port 0 was asked for: the one that was given must be known before the controller tries it.
            self.port = received.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    controller = AnyPort(Keeper(), hostname="127.0.0.1", port=0)
    controller.start()
    yield received
    controller.stop()


@pytest.fixture
def web_server() -> Iterator[Received]:
    received = Received()

    class Keeper(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            received.messages.append(json.loads(content))
            received.headers.append(dict(self.headers))
            self.send_response({"/broken": 500, "/moved": 302}.get(self.path, 204))
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Keeper)
    received.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield received
    server.shutdown()
    server.server_close()
