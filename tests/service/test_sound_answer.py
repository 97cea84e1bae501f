"""Recordings over HTTP that are encrypted on the disk: the same bytes, whole and in ranges, as of a plain file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.responses import Response

from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption import here
from pipeline.encryption.sealed import is_sealed
from service.sound_answer import sound_answer
from tests.encrypting import key_file, keys_here
from tests.recorded import write_two_sides
from tests.service.conftest import Room

__all__ = ["key_file", "keys_here"]
CONTENT = os.urandom(300_000)


@pytest.fixture
def browser(tmp_path: Path, keys_here: EncryptionSettings) -> TestClient:
    del keys_here
    (tmp_path / "plain.wav").write_bytes(CONTENT)
    here.seal(tmp_path / "plain.wav", tmp_path / "sealed.wav")
    app = FastAPI()

    @app.get("/{name}")
    def sound(name: str, request: Request) -> Response:
        return sound_answer(request, tmp_path / name, "audio/wav")

    return TestClient(app)


@pytest.mark.parametrize(
    "wanted",
    [None, "bytes=0-", "bytes=0-0", "bytes=65530-65560", "bytes=299999-", "bytes=-5", "bytes=100-999999999",
     "bytes=300000-", "bytes=9-3", "lines=1-2"],
)  # fmt: skip
def test_an_encrypted_recording_is_answered_as_a_plain_one(browser: TestClient, wanted: str | None) -> None:
    headers = {} if wanted is None else {"Range": wanted}
    sealed, plain = (browser.get(f"/{name}.wav", headers=headers) for name in ("sealed", "plain"))
    if wanted in ("bytes=9-3", "lines=1-2"):  # no range at all: RFC 9110 lets a server choose
        assert sealed.status_code in (200, 416)
        return
    assert sealed.status_code == plain.status_code
    if sealed.status_code == 416:
        return
    assert sealed.content == plain.content
    for name in ("content-length", "content-range", "content-type", "accept-ranges"):
        assert sealed.headers.get(name) == plain.headers.get(name)


@pytest.fixture
def recording(tmp_path: Path, keys_here: EncryptionSettings) -> Path:
    """As the service keeps it."""
    del keys_here
    write_two_sides(tmp_path / "plain.wav")
    here.seal(tmp_path / "plain.wav", tmp_path / "a <b>.wav")
    return tmp_path / "a <b>.wav"


def test_the_reading_room_plays_a_recording_that_is_encrypted(room: Room, tmp_path: Path) -> None:
    """Its page has the sound and the picture."""
    plain = (tmp_path / "plain.wav").read_bytes()
    (tmp_path / "plain.wav").unlink()
    assert is_sealed(room.recording)
    assert room.browser.get(f"/calls/{room.call_id}/audio").content == plain
    part = room.browser.get(f"/calls/{room.call_id}/audio", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, plain[100:200])
    assert room.browser.get(f"/calls/{room.call_id}/waveform.svg").status_code == 200
