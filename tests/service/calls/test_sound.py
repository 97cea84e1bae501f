"""The recording over the API, whole and in ranges."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from db.connection import Database
from pipeline.config.root import Settings
from service.app import API_ROOMS, application
from tests.service.conftest import LOOPBACK, Room
from tests.service.test_problems import told


def test_the_recording_comes_whole_and_in_ranges(api: Room) -> None:
    address = f"/v1/calls/{api.call_id}/audio"
    whole = api.browser.get(address)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.content == api.recording.read_bytes()
    part = api.browser.get(address, headers={"Range": "bytes=4-7", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[4:8])
    assert api.browser.get(address, headers={"Range": "bytes=-4"}).content == whole.content[-4:]
    head = api.browser.head(address)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Range": "bytes=9999999999-"}, 416), ({"Range": "bytes=7-4"}, 200), ({"Range": "bytes="}, 200),
        ({"Range": "words=1-2"}, 200), ({"Range": "bytes=a-b"}, 200), ({"Range": "x"}, 200),
        ({"Range": "bytes=0-" + "9" * 5000}, 200), ({"Range": "bytes=" + "0-," * 500}, 200),
        ({"Range": "bytes=0-3", "If-Range": '"another"'}, 200), ({"Range": "bytes=0-3", "If-Range": "W/x"}, 200),
        ({"Range": "bytes=0-3", "If-Range": "Wed, 99 Foo 0000"}, 200), ({"Range": "bytes=0-0,2-2"}, 206),
        ({"Range": "bytes=0-9,3-5,-1000000000"}, 206), ({"Range": "bytes=--5"}, 200),
    ],
)  # fmt: skip
def test_ranges_beyond_the_end_are_refused_and_what_means_nothing_is_passed_over(
    api: Room, sent: dict[str, str], status: int
) -> None:
    answer = api.browser.get(f"/v1/calls/{api.call_id}/audio", headers=sent)
    assert answer.status_code == status
    if status >= 400:
        assert told(answer).status == status
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{api.recording.stat().st_size}"


def test_a_recording_that_is_gone_is_told(api: Room) -> None:
    api.recording.unlink()
    found = told(api.browser.get(f"/v1/calls/{api.call_id}/audio"))
    assert found.type.endswith("no-audio")
    assert "no longer at" in found.detail


def test_a_recording_that_cannot_be_silenced_is_withheld(
    database: Database, stored: str, settings: Settings, tmp_path: Path
) -> None:
    app = application(database, settings, tmp_path / "spool", lambda _: None, rooms=API_ROOMS)
    with TestClient(app, base_url=LOOPBACK) as browser:
        found = told(browser.get(f"/v1/calls/{stored}/audio"))
    assert found.type.endswith("no-audio")
    assert "withheld" in found.detail
