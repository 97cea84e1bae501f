"""A call erased over the API is gone everywhere."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient

from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from pipeline.sources.addresses import file_uri
from service.app import API_ROOMS, application
from tests.service.conftest import LOOPBACK, Room, all_heard
from tests.service.test_problems import told


@pytest.fixture
def no_run(store: PostgresStore, run_id: str, stored: str) -> None:
    """The run that stored the call is over."""
    store.end_run(run_id, 0, {}, {})


def test_a_call_is_gone_and_a_receipt_stays(api: Room, settings: Settings, url: str, no_run: None) -> None:
    results = settings.output.directory / "calls.csv"
    results.parent.mkdir(parents=True)
    results.write_text(f"call_id,file_name\r\n{api.call_id},a <b>.wav\r\n")
    answer = api.browser.delete(f"/v1/calls/{api.call_id}")
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    assert receipt["rows"]["calls"] == receipt["rows"]["transcripts"] == 1
    assert (receipt["left"], receipt["recordings_deleted"]) == ([], None)
    (written,) = (settings.output.directory / "receipts").iterdir()
    assert json.loads(written.read_text())["recordings"] == receipt["recordings"]
    assert api.call_id not in answer.text
    assert api.call_id not in results.read_text()
    assert api.recording.exists()
    assert told(api.browser.get(f"/v1/calls/{api.call_id}")).type.endswith("not-found")
    assert told(api.browser.delete(f"/v1/calls/{api.call_id}")).type.endswith("not-found")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM transcripts").fetchone() == (0,)


def test_the_recording_goes_where_that_is_asked_for(api: Room, no_run: None) -> None:
    receipt = api.browser.delete(f"/v1/calls/{api.call_id}?recording=true").json()
    assert receipt["recordings_deleted"] == {"deleted": 1}
    assert not api.recording.exists()


def test_what_a_run_under_way_has_among_its_input_is_not_erased(
    api: Room, store: PostgresStore, no_run: None, url: str
) -> None:
    store.begin_run({}, "h", "host", [file_uri(str(api.recording.parent))])
    answer = api.browser.delete(f"/v1/calls/{api.call_id}")
    assert told(answer).type.endswith("run-under-way")
    assert answer.headers["Retry-After"] == "60"
    assert api.browser.get(f"/v1/calls/{api.call_id}").status_code == 200
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM tombstones").fetchone() == (0,)


def test_runs_over_other_recordings_and_workers_do_not_keep_a_call_from_being_erased(
    api: Room, store: PostgresStore, no_run: None
) -> None:
    """A service that was never idle answered 409 for ever."""
    store.begin_run({}, "h", "host", ["file:///elsewhere"])
    assert api.browser.delete(f"/v1/calls/{api.call_id}").status_code == 200
    assert api.browser.get(f"/v1/calls/{api.call_id}").status_code == 404


def test_a_call_that_is_not_there_is_not_erased(api: Room, no_run: None) -> None:
    assert told(api.browser.delete(f"/v1/calls/{uuid.UUID(int=7)}")).type.endswith("not-found")
    assert told(api.browser.delete(f"/v1/calls/{api.call_id}?recording=maybe")).errors[0].where == "query.recording"


def test_a_server_that_cannot_erase_says_so(
    database: Database, stored: str, settings: Settings, tmp_path: Path
) -> None:
    app = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS)
    with TestClient(app, base_url=LOOPBACK) as browser:
        assert told(browser.delete(f"/v1/calls/{stored}")).type.endswith("read-only")
