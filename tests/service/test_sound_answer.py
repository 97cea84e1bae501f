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


WHOLE = (0, 300_000)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (None, None),
        ("bytes=0-", WHOLE),
        ("bytes=0-0", (0, 1)),
        ("bytes=65530-65560", (65530, 65561)),
        ("bytes=5-5", (5, 6)),
        ("bytes= 7 - 9", (7, 10)),
        ("bytes=299999-", (299999, 300_000)),
        ("bytes=-5", (299995, 300_000)),
        ("bytes=-999999", WHOLE),
        ("bytes=100-999999999", (100, 300_000)),
        ("bytes=0-299999", WHOLE),
        ("bytes=300000-", ()),
        ("bytes=999999999-", ()),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=x-y", None),
        ("bytes=5-,x", None),
        ("bytes=1234567890123456789-", None),
        ("lines=1-2", None),
        ("1-2", None),
    ],
)
def test_an_encrypted_recording_is_answered_as_a_plain_one(
    browser: TestClient, wanted: str | None, part: tuple[int, int] | tuple[()] | None
) -> None:
    """`part`: the first byte and the one behind the last; none of them where that is empty, None for the whole."""
    headers = {} if wanted is None else {"Range": wanted}
    sealed, plain = (browser.get(f"/{name}.wav", headers=headers) for name in ("sealed", "plain"))
    for answer in (sealed, plain):
        assert answer.status_code == (200 if part is None else 206 if part else 416)
        if part != ():
            first, end = part or WHOLE
            assert answer.content == CONTENT[first:end]
            assert answer.headers.get("content-range") == (f"bytes {first}-{end - 1}/300000" if part else None)
    names = ("content-range", *(("content-length", "content-type", "accept-ranges") if part != () else ()))
    assert [sealed.headers.get(name) for name in names] == [plain.headers.get(name) for name in names]


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-3,8-9"}, {"Range": "bytes=0-3", "If-Range": '"seen"'}])
def test_several_ranges_and_one_of_an_answer_seen_before_are_the_whole(
    browser: TestClient, headers: dict[str, str]
) -> None:
    answer = browser.get("/sealed.wav", headers=headers)
    assert (answer.status_code, answer.content) == (200, CONTENT)


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
