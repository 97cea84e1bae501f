"""A live call from its first sample to the ordinary rows that replace it; also where the server is killed."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.sync.client import ClientConnection, connect

from pipeline.encryption.changing import is_changing
from service.live.messages import FRAME_HEADER
from tests.commands.running import SCRIPTED
from tests.commands.test_serve import config, places, serving
from tests.encrypting import key_file
from tests.live_rooms import RATE_HZ, speech
from tests.waiting import PATIENCE_S, until

__all__ = ["config", "key_file"]

pytestmark = pytest.mark.slow


def settings(folder: Path, url: str) -> list[str]:
    return [
        *places(folder, url), *SCRIPTED, "run.decode_workers=1", "run.stop_grace_s=1",
        f"live.directory={folder / 'live'}",
    ]  # fmt: skip


def started(socket: ClientConnection) -> str:
    first = {"type": "start", "sample_rate_hz": RATE_HZ, "encoding": "pcm_s16le", "tracks": ["client", "agent"]}
    socket.send(json.dumps(first | {"metadata": {"queue": "billing", "extra": {"ticket": "T-1"}}}))
    return str(json.loads(socket.recv(PATIENCE_S))["session"])


def talk(socket: ClientConnection, seconds: float) -> None:
    sound = speech(seconds)
    for first in range(0, len(sound), 8000):
        for track in (0, 1):
            content = np.ascontiguousarray(sound[first : first + 8000, track]).tobytes()
            socket.send(FRAME_HEADER.pack(track, first) + content)


def told(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while (message := json.loads(socket.recv(PATIENCE_S)))["type"] != kind:
        pass
    assert isinstance(message, dict)
    return message


def ordinary(client: httpx.Client, session: str) -> httpx.Response:
    """The call's own page, once the live one leads there."""
    answer: httpx.Response = until(
        lambda: (page := client.get(f"/live/{session}")).status_code == 303 and client.get(page.headers["location"])
    )
    return answer


def test_a_live_call_becomes_an_ordinary_one(config: Path, empty_url: str, tmp_path: Path) -> None:
    with serving(config, settings(tmp_path, empty_url)) as (client, running):
        address = f"ws://{client.base_url.host}:{client.base_url.port}/v1/live"
        with connect(address, open_timeout=PATIENCE_S) as socket:
            session = started(socket)
            talk(socket, 16.0)
            turn = told(socket, "turn")
            listed = client.get("/v1/live/calls").json()["calls"]
            assert [(call["session"], call["queue"]) for call in listed] == [(session, "billing")]
            assert "Live" in client.get("/live").text
            assert f"/v1/live/calls/{session}/events" in client.get(f"/live/{session}").text
            read = until(lambda: (now := client.get(f"/v1/live/calls/{session}").json())["turns"] and now)
            assert turn["text"] in {one["text"] for one in read["turns"]}
            socket.send(json.dumps({"type": "stop"}))
            with client.stream("GET", f"/v1/live/calls/{session}/events", params={"after": 0}) as events:
                kinds = [line.removeprefix("event: ") for line in events.iter_lines() if line.startswith("event: ")]
            assert kinds[-2:] == ["analysis", "ended"]
            job = told(socket, "ended")["job"]
        assert client.get(f"/v1/jobs/{job}").status_code == 200
        page = ordinary(client, session)
        assert "T-1" in page.text
        after = client.get(f"/v1/live/calls/{session}").json()
        assert after["turns"] == []
        assert after["summary"] is None
        assert after["call_id"] in str(page.url)
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 0
    assert not list((tmp_path / "live").iterdir())


def test_a_killed_servers_call_is_kept_encrypted_and_processed(config: Path, empty_url: str, key_file: Path) -> None:
    folder = key_file.parent
    sealed = ("encryption.recordings=true", "encryption.spool=true", f"encryption.key=file:{key_file}")
    chosen = [*settings(folder, empty_url), *sealed]
    with serving(config, chosen) as (client, running):
        socket = connect(f"ws://{client.base_url.host}:{client.base_url.port}/v1/live", open_timeout=PATIENCE_S)
        with socket:
            session = started(socket)
            talk(socket, 6.0)
            while told(socket, "credit")["received"] != [6 * RATE_HZ, 6 * RATE_HZ]:
                pass
            until(lambda: client.get("/v1/live/calls").json()["calls"])
            running.kill()
            running.wait(PATIENCE_S)
    (recording,) = (folder / "live").rglob("*.wav")
    assert is_changing(recording)
    with serving(config, chosen) as (client, running):
        page = ordinary(client, session)
        assert page.status_code == 200
        listed = client.get(f"/v1/live/calls/{session}").json()
        assert listed["end_reason"] == "killed"
        running.send_signal(signal.SIGINT)
        running.wait(PATIENCE_S)
