"""A mail server and a web server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.run.receiving import Received
from tests.loopback import Reply, Request, listening


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

    def answer(request: Request) -> Reply:
        received.messages.append(request.json())
        received.headers.append(request.headers)
        status = {"/broken": 500, "/moved": 302}.get(request.path, 204)
        return Reply(status, headers={"Location": "/elsewhere"})

    with listening(answer) as server:
        received.port = server.port
        yield received
