"""A server on loopback with a room for live calls, and clients of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import pytest
from fastapi import FastAPI
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from commands.serving.server import server_of
from pipeline.errors import DatabaseUnavailable
from pipeline.live.recogniser import HearsTurns
from service.access import Principal
from service.access.needs import Gatekeeper, OpenGate
from service.documented.parameters import only_known
from service.live import routes
from service.live.messages import FRAME_HEADER
from service.security import Guard
from tests.live_rooms import RATE_HZ, LiveBed, live_bed, speech
from tests.waiting import until

PATIENCE_S = 60.0


@dataclass(slots=True)
class Heard:
    """Stands for the audit: who was told which session. `broken`: how often it fails first."""

    told: list[tuple[str, str, bool]] = field(default_factory=list)
    broken: int = 0

    def read_live(self, reader: Principal, session: str, *, hands_in: bool = False) -> None:
        if self.broken:
            self.broken -= 1
            raise DatabaseUnavailable("away")
        self.told.append((reader.name, session, hands_in))


@dataclass(frozen=True, slots=True)
class Served:
    """A room and the address of its WebSocket."""

    bed: LiveBed
    address: str
    audit: Heard

    @property
    def url(self) -> str:
        return f"ws://{self.address}/v1/live"


class Serve(Protocol):
    def __call__(
        self, recogniser: HearsTurns | None = None, *, gate: Gatekeeper | None = None, **settings: object
    ) -> Served: ...


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    closing: list[Callable[[], None]] = []

    def start(recogniser: HearsTurns | None = None, *, gate: Gatekeeper | None = None, **settings: object) -> Served:
        bed = live_bed(tmp_path / str(len(closing)), recogniser, live=settings)
        app = FastAPI()
        audit = Heard()
        app.state.live, app.state.gate = bed.room, gate or OpenGate()
        app.state.only_known = only_known
        app.state.context = SimpleNamespace(audit=audit)
        app.include_router(routes.router)
        app.add_middleware(Guard, changes_under=("/v1/",))
        server = server_of(app, max_message_bytes=bed.room.settings.max_message_bytes)
        server.config.port = 0
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        until(lambda: server.started, pause_s=0.01)

        def close() -> None:
            server.should_exit = True
            thread.join(PATIENCE_S)
            bed.room.close()

        closing.append(close)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        return Served(bed, f"{host}:{port}", audit)

    yield start
    for close in closing:
        close()


class Client:
    """Speaks our protocol."""

    def __init__(self, served: Served, **headers: Any) -> None:
        self.socket: ClientConnection = connect(served.url, open_timeout=PATIENCE_S, **headers).__enter__()
        self.told: list[dict[str, Any]] = []

    def say(self, **message: object) -> None:
        self.socket.send(json.dumps(message))

    def start(self, **changes: object) -> dict[str, Any]:
        """Begin a call; returns the answer."""
        first: dict[str, object] = {
            "type": "start", "sample_rate_hz": RATE_HZ, "encoding": "pcm_s16le", "tracks": ["client", "agent"],
        }  # fmt: skip
        self.say(**first | changes)
        return self.next()

    def frame(self, track: int, first: int, content: bytes) -> None:
        self.socket.send(FRAME_HEADER.pack(track, first) + content)

    def talk(self, until_s: float, since_s: float = 0.0, block: int = 3200) -> None:
        """Both tracks of the speech of all tests, from one moment to another."""
        sound = speech(until_s)
        for first in range(round(since_s * RATE_HZ), len(sound), block):
            for track in (0, 1):
                self.frame(track, first, np.ascontiguousarray(sound[first : first + block, track]).tobytes())

    def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(PATIENCE_S))
        self.told.append(message)
        return message

    def until(self, kind: str) -> dict[str, Any]:
        """The next message of a type."""
        while (message := self.next())["type"] != kind:
            pass
        return message

    def code(self) -> tuple[int, str]:
        """Read until the server closes the connection: the code and the reason."""
        with pytest.raises(ConnectionClosed) as closed:
            self._read_on()
        frame = closed.value.rcvd
        assert frame is not None
        return frame.code, frame.reason

    def _read_on(self) -> None:
        while True:
            self.next()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [message for message in self.told if "event" in message]


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    opened: list[Client] = []
    yield opened
    for client in opened:
        client.socket.close()


@pytest.fixture
def client(clients: list[Client]) -> Callable[..., Client]:
    def open_client(served: Served, **headers: Any) -> Client:
        one = Client(served, **headers)
        clients.append(one)
        return one

    return open_client
