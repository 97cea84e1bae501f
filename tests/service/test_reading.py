"""Pages and sound over HTTP."""

from __future__ import annotations

import io
import re
import wave
from pathlib import Path

import numpy as np
import psycopg
import pytest
from fastapi.testclient import TestClient

from commands.quiet import quiet_in
from db.connection import Database
from pages.svg.waveform import COLOURS
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.config.root import Settings
from pipeline.records import Role
from service.app import application
from tests.service.conftest import LOOPBACK, Room, all_heard


def test_the_list_leads_to_the_call(room: Room) -> None:
    html = room.browser.get("/calls").text
    assert f'href="/calls/{room.call_id}"' in html
    assert "a &lt;b&gt;.wav" in html
    assert "1 call" in html


def test_the_page_of_a_call_is_whole(room: Room) -> None:
    html = room.browser.get(f"/calls/{room.call_id}").text
    for text in ("Billing › Refund", "charged twice", "refund promised", "Agent A7", "mlx_qwen3", "openai_server"):
        assert text in html
    assert f'src="/calls/{room.call_id}/audio"' in html


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("q=charged", 1), ("q=nobody", 0), ("q=a+%3Cb", 1), ("agent=A7", 1), ("agent=-", 0), ("queue=-", 1),
        ("topic=Billing", 1), ("topic=Billing+%3E+Refund", 1), ("topic=-", 0), ("mood=negative", 1), ("mood=-", 0),
        ("from=2026-11-20&to=2026-11-20", 1), ("to=2026-11-19", 0), ("from=2026-11-21", 0), ("undated=yes", 0),
        ("status=failed", 0), ("status=done", 1), ("flag=truncated", 0), ("direction=inbound", 1),
        ("q=%27%3B+DROP+TABLE+calls%3B+--", 0), ("sort=unhappiest", 1), ("page=9", 1),
    ],
)  # fmt: skip
def test_filters_choose(room: Room, query: str, calls: int) -> None:
    html = room.browser.get(f"/calls?{query}").text
    assert (f"/calls/{room.call_id}" in html) == bool(calls and "page=9" not in query)
    if not calls:
        assert "No call fits" in html


def test_what_was_looked_for_is_marked_and_its_moment_linked(room: Room) -> None:
    html = room.browser.get("/calls?q=refund").text
    assert "<mark>refund</mark>" in html
    assert f"/calls/{room.call_id}#at=2.5" in html


@pytest.mark.parametrize("page", ["/calls", "/"])
def test_a_mistyped_word_leads_to_what_may_have_been_meant(room: Room, page: str) -> None:
    html = room.browser.get(f"{page}?agent=A7&q=refnud").text
    assert f'Did you mean <a href="{page}?agent=A7&amp;q=refund" dir="auto">refund</a>?' in html
    assert "Did you mean" not in room.browser.get(f"{page}?q=refund").text
    assert "Did you mean" not in room.browser.get(f"{page}?q=xylophone").text


def test_an_address_with_empty_values_leads_to_the_short_one(room: Room) -> None:
    answer = room.browser.get("/calls?q=&agent=A7&mood=", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls?agent=A7")
    answer = room.browser.get("/?q=&agent=A7&mood=", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?agent=A7")


def test_a_filter_that_means_nothing_is_told(room: Room) -> None:
    html = room.browser.get("/calls?mood=furious&sort=best&page=two").text
    assert "`furious` is none of" in html
    assert "`best` is none of" in html


@pytest.mark.parametrize(
    "path",
    ["/calls/no-id", "/calls/34368ade-db9b-4c7b-9ce6-887cb49bf531", "/nowhere", "/assets/..%2fsite.py", "/assets/x"],
)
def test_what_is_not_there_is_a_page_that_says_so(room: Room, path: str) -> None:
    answer = room.browser.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_sound_comes_in_ranges(room: Room) -> None:
    whole = room.browser.get(f"/calls/{room.call_id}/audio")
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.content == room.recording.read_bytes()
    part = room.browser.get(f"/calls/{room.call_id}/audio", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, whole.content[4:8])


def test_the_waveform_has_a_lane_for_each_channel_coloured_by_who_speaks_there(room: Room, database: Database) -> None:
    def colours() -> list[str]:
        answer = room.browser.get(f"/calls/{room.call_id}/waveform.svg")
        assert answer.headers["content-type"] == "image/svg+xml"
        return re.findall(r'<path fill="([^"]+)"', answer.text)

    assert colours() == [COLOURS[Role.CLIENT], COLOURS[Role.AGENT]]
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("UPDATE calls SET flags = '{diarised}'")
    assert colours() == [COLOURS[Role.UNKNOWN]] * 2, "the sides share the channels"


def test_a_recording_that_is_gone_or_changed_is_told(room: Room) -> None:
    address = f"/calls/{room.call_id}"
    room.recording.write_bytes(b"another")
    assert "no longer the one that was transcribed" in room.browser.get(address).text
    room.recording.unlink()
    html = room.browser.get(address).text
    assert "no longer at" in html
    assert "charged twice" in html
    assert room.browser.get(f"{address}/audio").status_code == 404


def test_where_redacted_text_lies_in_the_sound_is_unknown_the_sound_is_withheld(
    database: Database, stored: str, tmp_path: Path
) -> None:
    app = application(database, Settings(), tmp_path / "spool", lambda _: None)
    with TestClient(app, base_url=LOOPBACK) as browser:
        assert "The recording is withheld" in browser.get(f"/calls/{stored}").text
        for part in ("audio", "waveform.svg"):
            assert browser.get(f"/calls/{stored}/{part}").status_code == 404


def test_redacted_text_is_silent_in_what_is_played(room: Room, database: Database, tmp_path: Path) -> None:
    settings = Settings(redaction=RedactionSettings(redact_stored=True))
    quiet = quiet_in(database, settings)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE transcript_chunks SET text = 'My card is 4111 1111 1111 1111.', words = NULL, start_s = 0.5, "
            "end_s = 1.0, speech = NULL WHERE channel = 0 AND ordinal = 0"
        )
    with TestClient(application(database, settings, tmp_path / "spool", quiet), base_url=LOOPBACK) as browser:
        answer = browser.get(f"/calls/{room.call_id}/audio")
    with wave.open(io.BytesIO(answer.content)) as played:
        samples = np.frombuffer(played.readframes(played.getnframes()), "<i2").reshape(-1, played.getnchannels())
    assert not samples[8_000:16_000].any()
    assert samples[:3_000].any()
    assert samples[21_000:].any()


def test_a_database_of_another_version_is_told(room: Room, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE calls DROP COLUMN topic_evidence CASCADE")
    answer = room.browser.get(f"/calls/{room.call_id}")
    assert answer.status_code == 503
    assert "run.py db migrate" in answer.text


def test_no_calls_yet_says_what_to_do(database: Database, settings: Settings, tmp_path: Path) -> None:
    with TestClient(application(database, settings, tmp_path / "spool", all_heard), base_url=LOOPBACK) as browser:
        assert "No calls yet" in browser.get("/calls").text
