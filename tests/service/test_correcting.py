"""Correcting a call on its page, and the page of the quality watch."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from db.connection import Database
from db.queries.references import reference_of
from db.queries.watch import NightFigure, draw_calls, keep_figures
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.config.root import Settings
from service.app import application
from tests.service.conftest import LOOPBACK, Room, all_heard

FIELDS = re.compile(r'<textarea name="([^"]+)"[^>]*>([^<]*)</textarea>')
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def form_of(room: Room) -> dict[str, str]:
    """What a browser would send of the page as it is."""
    html = room.browser.get(f"/calls/{room.call_id}/correct").text
    return {**dict(HIDDEN.findall(html)), **dict(FIELDS.findall(html)), "by": "Ann"}


def save(room: Room, values: dict[str, str], **headers: str) -> Any:
    return room.browser.post(
        f"/calls/{room.call_id}/correct", data=values, headers=headers, follow_redirects=False
    )  # fmt: skip


def kept(database: Database, room: Room) -> dict[tuple[int, int], str] | None:
    found = reference_of(database, uuid.UUID(room.call_id))
    return None if found is None else {(turn.channel, turn.ordinal): turn.text for turn in found.turns}


def test_what_is_typed_is_kept_beside_the_transcript(room: Room, database: Database) -> None:
    values = form_of(room) | {"said-0-0": "hello  my <b>car</b>\r\nwas charged twice"}
    answer = save(room, values)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/calls/{room.call_id}")
    found = reference_of(database, uuid.UUID(room.call_id))
    assert found is not None
    assert (found.written_by, found.source) == ("Ann", "page")
    assert kept(database, room) == {
        (0, 0): "hello my <b>car</b> was charged twice",
        (1, 0): "I am sorry I will refund it",
        (0, 1): "thank you that is great",
    }
    page = room.browser.get(f"/calls/{room.call_id}").text
    assert "hello my card was charged twice" in page
    assert "Ann did on" in page
    again = room.browser.get(f"/calls/{room.call_id}/correct").text
    assert "hello my &lt;b&gt;car&lt;/b&gt; was charged twice</textarea>" in again
    assert "Heard by the machine: hello my card was charged twice" in again
    assert "Ann corrected this call on" in again


def test_a_drawn_call_leads_back_to_the_next_ones(room: Room, database: Database) -> None:
    draw_calls(database, date(2026, 11, 26), 5, "0", within=timedelta(days=1))
    assert f'href="/calls/{room.call_id}/correct"' in room.browser.get("/quality").text
    assert save(room, form_of(room)).headers["location"] == "/quality"
    html = room.browser.get("/quality").text
    assert "0 calls to correct" in html
    assert "run.py evaluate watch" in html


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"token": "0" * 64}, "Please save again"),
        ({"token": "é"}, "Please save again"),
        ({"by": "  "}, "please enter your name"),
        ({"transcript": "another"}, "was transcribed again"),
    ],
)
def test_what_cannot_be_kept_stays_in_the_fields(
    room: Room, database: Database, changes: dict[str, str], says: str
) -> None:
    """A page of another site can send a form here, but cannot know the mark in it."""
    answer = save(room, form_of(room) | {"said-0-0": "an hour of typing"} | changes)
    assert answer.status_code == 409
    assert says in answer.text
    assert "an hour of typing</textarea>" in answer.text
    assert kept(database, room) is None
    repaired = {**dict(HIDDEN.findall(answer.text)), **dict(FIELDS.findall(answer.text)), "by": "Ann"}
    assert save(room, repaired).status_code == 303
    assert (kept(database, room) or {})[0, 0] == "an hour of typing"


def test_a_field_that_is_missing_is_not_read_as_silence(room: Room, database: Database) -> None:
    values = form_of(room)
    del values["said-1-0"]
    assert save(room, values).status_code == 409
    assert kept(database, room) is None


def test_the_mark_of_one_call_does_not_serve_for_another(room: Room, database: Database) -> None:
    values = form_of(room)
    with database.connection() as connection:
        other = uuid.uuid4()
        connection.execute(
            """INSERT INTO calls (call_id, source_uri, file_name, source_size_bytes, status, transcript_fingerprint)
               SELECT %s, 'file:///other.wav', 'other.wav', 1, 'done', transcript_fingerprint FROM calls""",
            [other],
        )
    answer = room.browser.post(f"/calls/{other}/correct", data=values, follow_redirects=False)
    assert answer.status_code == 409
    assert reference_of(database, other) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1"}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_browser_saves_from_our_own_page_alone(room: Room, headers: dict[str, str], status: int) -> None:
    """Chromium sends `Origin: null` from a page that sends no referrer: saving was refused."""
    assert save(room, form_of(room), **headers).status_code == status


@pytest.mark.parametrize("path", ["/calls/{}", "/calls", "/quality", "/", "/calls/{}/correct/x", "/calls/x/correct"])
def test_nothing_else_takes_a_post(room: Room, path: str) -> None:
    assert room.browser.post(path.format(room.call_id), data={"by": "Ann"}).status_code == 405


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_and_a_correction_nothing_but_a_post(room: Room, method: str) -> None:
    assert room.browser.request(method, f"/calls/{room.call_id}/correct").status_code == 405


def test_another_name_for_this_machine_cannot_correct(room: Room, database: Database) -> None:
    assert save(room, form_of(room), Host="evil.example").status_code == 421
    assert kept(database, room) is None


def test_too_much_at_once_is_refused(room: Room, database: Database) -> None:
    assert save(room, form_of(room) | {"said-0-0": "x" * 8_000_001}).status_code == 413
    assert kept(database, room) is None


def test_a_call_that_is_not_there(room: Room) -> None:
    missing = f"/calls/{uuid.uuid4()}/correct"
    assert room.browser.get(missing).status_code == 404
    assert room.browser.post(missing, data={"by": "Ann"}).status_code == 404


def test_a_call_without_a_transcript_has_nothing_to_correct(room: Room, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE calls SET transcript_fingerprint = NULL")
    assert "nothing to correct" in room.browser.get(f"/calls/{room.call_id}/correct").text
    assert "Correct the text" not in room.browser.get(f"/calls/{room.call_id}").text


@pytest.fixture
def redacting(database: Database, stored: str, recording: Path, tmp_path: Path) -> Iterator[Room]:
    settings = Settings(redaction=RedactionSettings(redact_stored=True))
    with TestClient(application(database, settings, tmp_path / "spool", all_heard), base_url=LOOPBACK) as browser:
        yield Room(browser, stored, recording)


def test_personal_data_is_neither_shown_nor_kept(redacting: Room, database: Database) -> None:
    with database.connection() as connection:
        connection.execute(
            "UPDATE transcript_chunks SET text = 'my card is 4111 1111 1111 1111' WHERE channel = 0 AND ordinal = 0"
        )
    assert "4111" not in redacting.browser.get(f"/calls/{redacting.call_id}/correct").text
    save(redacting, form_of(redacting) | {"said-0-0": "my card is 4222 2222 2222 2"})
    text = (kept(database, redacting) or {})[0, 0]
    assert "4222" not in text
    assert text.startswith("my card is [")


def figure(night: date, wer: float, low: float | None = None, high: float | None = None) -> NightFigure:
    return NightFigure(night=night, kind="all", name="", calls=6, words=100, errors=9, wer=wer, low=low, high=high)


def test_the_nights_are_drawn_here_and_on_the_dashboard(room: Room, database: Database) -> None:
    today = date.today()
    nights = [today - timedelta(days=1), today]
    keep_figures(database, nights, [figure(nights[0], 0.09, 0.05, 0.14), figure(nights[1], 0.2)])
    for path in ("/quality", "/"):
        html = room.browser.get(path).text
        assert html.count('class="dot"') == 2
        assert html.count('<path class="reach"') == 1, "of a single call there is no interval"
        assert "20.0 % of words wrong" in html
        assert "5.0–14.0 %" in html
    assert 'class="dot"' not in room.browser.get("/?agent=A7").text, "the figures are of all calls"


def test_without_a_watch_the_page_says_how_to_begin(room: Room) -> None:
    assert "watch.calls_per_night: 10" in room.browser.get("/quality").text
