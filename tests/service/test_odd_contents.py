"""Pages over a database with hardly anything in it, with much, or of another version: each says something sensible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.areas.database import DatabaseSettings
from pipeline.config.root import Settings
from service.app import application
from tests.db.samples import found, outcome, transcript
from tests.service.conftest import LOOPBACK, Room, all_heard
from tests.upgrade.dumps import dumps, load

PAGES = ("/", "/calls", "/calls?q=refund&sort=attention", "/ask", "/ask?question=why", "/quality")
OF_A_CALL = ("/calls/{}", "/calls/{}/correct")
OLDEST = dumps()[0]


@pytest.fixture
def of_before(empty_url: str, tmp_path: Path) -> Iterator[TestClient]:
    """The pages over a database as the first version left it."""
    load(OLDEST.read_text(encoding="utf-8"), empty_url)
    with (
        Database(DatabaseSettings(url=empty_url, patience_s=5), empty_url, None) as database,
        TestClient(application(database, Settings(), tmp_path, all_heard), base_url=LOOPBACK,
                   raise_server_exceptions=False) as browser,
    ):  # fmt: skip
        yield browser


@pytest.fixture
def of_nothing(database: Database, tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(application(database, Settings(), tmp_path, all_heard), base_url=LOOPBACK) as browser:
        yield browser


def test_every_page_on_a_database_of_an_earlier_version_says_what_to_do(of_before: TestClient, empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        (call_id,) = connection.execute("SELECT call_id FROM calls LIMIT 1").fetchone() or ("",)
    told = {path: of_before.get(path.format(call_id)) for path in (*PAGES, *OF_A_CALL) if path != "/ask"}
    assert {path for path, answer in told.items() if answer.status_code != 503} == set()
    assert {path for path, answer in told.items() if "run.py db migrate" not in answer.text} == set()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "No calls yet"), ("/calls", "No calls yet"), ("/calls?agent=7", "No call fits"),
        ("/calls?q=refund", "No call fits"), ("/ask", "For example"), ("/quality", "calls_per_night"),
        ("/calls/00000000-0000-4000-8000-000000000000", "There is no such page"),
    ],
)  # fmt: skip
def test_every_page_without_a_call_says_so(of_nothing: TestClient, path: str, says: str) -> None:
    answer = of_nothing.get(path)
    assert answer.status_code == (404 if "no such page" in says else 200)
    assert says in answer.text


@pytest.mark.parametrize("path", [*PAGES, *OF_A_CALL])
def test_every_page_with_one_call_is_whole(room: Room, path: str) -> None:
    answer = room.browser.get(path.format(room.call_id))
    assert answer.status_code == 200
    assert "</html>" in answer.text
    assert re.search(r"\bnan\b|\b1 calls\b", re.sub(r"<[^>]*>", " ", answer.text)) is None


def test_a_call_in_which_nobody_speaks_is_told_everywhere(
    store: PostgresStore, run_id: str, database: Database, tmp_path: Path
) -> None:
    call = replace(found("silent.wav"), file_name="silent.wav")
    call_id = store.claim_call(call, "bb", None)
    words = transcript("none", chunks=())
    store.save_call(outcome(call_id, run_id, call, words=words, steps=()))
    with TestClient(application(database, Settings(), tmp_path, all_heard), base_url=LOOPBACK) as browser:
        html = browser.get(f"/calls/{call_id}").text
        assert "Nobody says a word in this recording" in html
        assert "No summary" in html
        assert "Not measured" in html
        assert "Correct the text" not in html
        assert "Nothing was heard on this side" in browser.get(f"/calls/{call_id}/correct").text
        assert "No topic" in browser.get("/calls").text
        assert "no call has a mood" in browser.get("/").text
