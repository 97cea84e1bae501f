"""Who may ask, and what a browser may do with an answer."""

from __future__ import annotations

import pytest

from service.security import CONTENT_SECURITY_POLICY
from tests.service.conftest import Room


@pytest.mark.parametrize("path", ["/calls", "/assets/reading-room.css", "/nowhere"])
def test_every_answer_forbids_what_is_from_elsewhere(room: Room, path: str) -> None:
    headers = room.browser.get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_machine_is_refused(room: Room, host: str) -> None:
    answer = room.browser.get("/calls", headers={"Host": host})
    assert answer.status_code == 421
    assert room.call_id not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8642", "127.0.0.1:1", "[::1]:80"])
def test_the_loopback_names_are_served(room: Room, host: str) -> None:
    assert room.browser.get("/calls", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(room: Room, method: str) -> None:
    assert room.browser.request(method, f"/calls/{room.call_id}").status_code == 405


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_generated_documentation_loads_from_elsewhere_and_is_not_there(room: Room, path: str) -> None:
    assert room.browser.get(path).status_code == 404
