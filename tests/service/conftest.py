"""The application over a database with one call whose recording lies on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from commands.purge.one_call import eraser
from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.reading import ShownCall
from pipeline.config.areas.output import OutputSettings
from pipeline.config.root import Settings
from pipeline.records import SpeechSpan
from service.app import API_ROOMS, application
from tests.recorded import store_recorded, write_two_sides

LOOPBACK = "http://127.0.0.1"


def all_heard(_: ShownCall) -> tuple[SpeechSpan, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Room:
    """The reading room and what is in it."""

    browser: TestClient
    call_id: str
    recording: Path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_two_sides(tmp_path / "a <b>.wav")


@pytest.fixture
def stored(store: PostgresStore, run_id: str, recording: Path) -> str:
    return store_recorded(store, run_id, recording)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(output=OutputSettings(directory=tmp_path / "output"))


@pytest.fixture
def room(database: Database, stored: str, recording: Path, settings: Settings, tmp_path: Path) -> Iterator[Room]:
    app = application(database, settings, tmp_path / "spool", all_heard)
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as browser:
        yield Room(browser, stored, recording)


@pytest.fixture
def api(database: Database, stored: str, recording: Path, settings: Settings, tmp_path: Path) -> Iterator[Room]:
    """The same with the rooms of `run.py serve`."""
    erase = eraser(database, settings, patience_s=0)
    app = application(database, settings, tmp_path / "spool", all_heard, rooms=API_ROOMS, erase=erase)
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as browser:
        yield Room(browser, stored, recording)
