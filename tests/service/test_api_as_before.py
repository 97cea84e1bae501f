"""What the API and the pages answer about stored calls, whole: compared with what is kept beside this test."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.pinned import assert_pinned
from tests.service.calls.conftest import client, many
from tests.service.conftest import Room

__all__ = ["client", "many"]

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DAYS = [datetime.now(UTC) + timedelta(days=days) for days in (-1, 0, 1)]
_NOW = re.compile("|".join(
    rf"{day:%Y-%m-%d}[T ][0-9:.]+(?:Z|\+00:?00)?|{day.day} {day:%b %Y}, \d\d:\d\d" for day in _DAYS))  # fmt: skip


def masked(text: str, folder: Path) -> str:
    """Without what differs from run to run: ids, the moment, the folder."""
    known: dict[str, str] = {}
    text = text.replace(str(folder), "FOLDER")
    text = _UUID.sub(lambda match: known.setdefault(match[0], f"ID{len(known) + 1}"), text)
    text = re.sub(r"\b[0-9a-f]{8}\b(?=[.\"])", "ID", text)
    return _NOW.sub("NOW", text)


OF_A_CALL = {
    "call": "/v1/calls/{id}",
    "turns": "/v1/calls/{id}/turns",
    "transcript": "/v1/calls/{id}/transcript",
    "words": "/v1/calls/{id}/transcript?format=vtt",
    "pca": "/v1/calls/{id}/transcript?format=aws_pca",
    "contact_lens": "/v1/calls/{id}/transcript?format=contact_lens",
    "page": "/calls/{id}",
    "correct": "/calls/{id}/correct",
    "gone": "/v1/calls/00000000-0000-0000-0000-000000000000",
    "wrong": "/v1/calls/seven",
}
OF_MANY = {
    "calls": "/v1/calls?limit=3",
    "chosen": "/v1/calls?agent=A0&mood=negative&sort=longest",
    "list": "/calls?agent=A2&sort=oldest",
    "faulty": "/calls?from=yesterday&sort=best&page=0",
    "refused": "/v1/calls?limit=0&sort=best&since=never",
}


def kept(name: str, content_type: str, text: str, folder: Path) -> None:
    if "json" in content_type:
        text = json.dumps(json.loads(text), indent=1, ensure_ascii=False, sort_keys=True)
    else:
        text = re.sub(r'(name="token" value=")[^"]*', r"\1TOKEN", text)
    ending = "json" if "json" in content_type else "html" if "html" in content_type else "txt"
    assert_pinned(f"{name}.{ending}", masked(text, folder))


@pytest.mark.parametrize("name", OF_A_CALL)
def test_what_is_answered_about_a_call(name: str, api: Room, tmp_path: Path) -> None:
    answer = api.browser.get(OF_A_CALL[name].format(id=api.call_id))
    kept(name, answer.headers["content-type"], answer.text, tmp_path)


@pytest.mark.parametrize("name", OF_MANY)
def test_what_is_answered_about_many_calls(name: str, client: TestClient, tmp_path: Path) -> None:
    answer = client.get(OF_MANY[name])
    kept(name, answer.headers["content-type"], answer.text, tmp_path)
