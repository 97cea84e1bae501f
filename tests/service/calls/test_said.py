"""What was said in a call, over the API."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
import pytest

from commands.export import Wanted, export_calls
from db.queries.chosen import CallFilter
from tests.service.conftest import Room
from tests.service.test_problems import told


def test_turns_are_in_order_of_time_with_their_moods(api: Room) -> None:
    turns = api.browser.get(f"/v1/calls/{api.call_id}/turns").json()["turns"]
    assert [(turn["role"], turn["text"]) for turn in turns] == [
        ("client", "hello my card was charged twice"),
        ("agent", "I am sorry I will refund it"),
        ("client", "thank you that is great"),
    ]
    assert turns[0]["moods"]["fusion"]["label"] == "negative"
    assert turns[2]["moods"] == {"fusion": None, "text": None, "acoustic": None}
    assert (turns[1]["channel"], turns[1]["ordinal"], turns[1]["start_s"]) == (1, 0, 2.5)


@pytest.mark.parametrize(
    ("asked", "written", "media"),
    [
        ("json", "json", "application/json"),
        ("txt", "txt", "text/plain; charset=utf-8"),
        ("srt", "srt", "application/x-subrip; charset=utf-8"),
        ("vtt", "vtt", "text/vtt; charset=utf-8"),
        ("aws_pca", "pca_json", "application/json"),
        ("contact_lens", "contact_lens_json", "application/json"),
    ],
)
def test_a_transcript_is_the_file_that_export_writes(  # noqa: PLR0917 - a table
    api: Room, url: str, tmp_path: Path, asked: str, written: str, media: str
) -> None:
    config = tmp_path / "config.yaml"
    config.touch()
    wanted = Wanted(to=str(tmp_path / "files"), formats=(written,), table=None, columns=(), calls=CallFilter())
    export_calls(config, [f"database.url={url}"], wanted)
    (file,) = (tmp_path / "files").iterdir()
    answer = api.browser.get(f"/v1/calls/{api.call_id}/transcript?format={asked}")
    assert answer.headers["content-type"] == media
    assert answer.content == file.read_bytes()
    assert answer.headers["content-disposition"].startswith("attachment; filename*=utf-8''a%20")


def test_json_is_what_comes_unless_said_otherwise(api: Room) -> None:
    assert api.browser.get(f"/v1/calls/{api.call_id}/transcript").json()["call_id"] == api.call_id
    assert told(api.browser.get(f"/v1/calls/{api.call_id}/transcript?format=doc")).errors[0].where == "query.format"


@pytest.mark.parametrize("part", ["turns", "transcript"])
def test_a_call_without_a_transcript_says_so(api: Room, url: str, part: str) -> None:
    assert told(api.browser.get(f"/v1/calls/{uuid.UUID(int=7)}/{part}")).type.endswith("not-found")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE calls SET transcript_fingerprint = NULL, status = 'failed', error_type = 'x'")
    found = told(api.browser.get(f"/v1/calls/{api.call_id}/{part}"))
    assert found.type.endswith("no-transcript")
    assert "`failed`" in found.detail
