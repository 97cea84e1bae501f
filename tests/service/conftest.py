"""The application over a database with one call whose recording lies on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from bench.materials.recordings import RATE_HZ, write_wav
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.root import Settings
from pipeline.records import AudioHeader
from service.app import application
from tests.db.samples import found, outcome, prepared

LOOPBACK = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Room:
    """The reading room and what is in it."""

    browser: TestClient
    call_id: str
    recording: Path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two channels, one of them silent."""
    tone = (12_000 * np.sin(np.arange(RATE_HZ * 2) / 20)).astype(np.int16)
    return write_wav(tmp_path / "a <b>.wav", np.stack([tone, np.zeros_like(tone)], axis=1))


@pytest.fixture
def stored(store: PostgresStore, run_id: str, recording: Path) -> str:
    call = replace(found(), source_uri=f"file://{recording}", file_name=recording.name,
                   size_bytes=recording.stat().st_size)  # fmt: skip
    call_id = store.claim_call(call, "aa", None)
    header = AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=RATE_HZ, channels=2, duration_s=2.0)
    store.save_call(outcome(call_id, run_id, call, audio=replace(prepared(), header=header)))
    return call_id


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def room(database: Database, stored: str, recording: Path, settings: Settings, tmp_path: Path) -> Iterator[Room]:
    app = application(database, settings, tmp_path / "spool")
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as browser:
        yield Room(browser, stored, recording)
