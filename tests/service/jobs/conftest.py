"""The application with its room of jobs, without workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from db.connection import Database
from db.jobs.store import PostgresJobs
from pipeline.config.areas.service import ServiceSettings
from pipeline.config.areas.sources import RAW_FORMATS
from pipeline.config.root import Settings
from service.app import API_ROOMS, application
from service.jobs.folder import RecordingFolder
from service.jobs.gatekeeper import Gatekeeper
from service.jobs.outside import OutsideHttp
from service.jobs.room import InHands, JobRoom
from tests.recorded import write_two_sides
from tests.service.conftest import LOOPBACK, all_heard

SECRET = "of the tests"


@pytest.fixture(scope="session")
def gatekeeper() -> Iterator[Gatekeeper]:
    one = Gatekeeper(RAW_FORMATS)
    yield one
    one.close()


@pytest.fixture
def service_settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(
        recordings_dir=tmp_path / "recordings",
        max_recording_mb=0.5,
        max_metadata_kb=4,
        trusted_hosts=("127.0.0.1",),
        fetch_attempts=3,
        callback_timeout_s=5,
    )


@pytest.fixture
def job_room(database: Database, service_settings: ServiceSettings, gatekeeper: Gatekeeper) -> Iterator[JobRoom]:
    outside = OutsideHttp(service_settings.trusted_hosts)
    yield JobRoom(
        jobs=PostgresJobs(database),
        folder=RecordingFolder(service_settings.recordings_dir),
        gatekeeper=gatekeeper,
        settings=service_settings,
        accepted=threading.Event(),
        to_fetch=threading.Event(),
        in_hands=InHands(4),
        outside=outside,
        secret=SECRET,
    )
    outside.close()


@pytest.fixture
def client(database: Database, job_room: JobRoom, tmp_path: Path) -> Iterator[TestClient]:
    app = application(database, Settings(), tmp_path / "spool", all_heard, rooms=API_ROOMS)
    app.state.jobs = job_room
    with TestClient(app, base_url=LOOPBACK, raise_server_exceptions=False) as one:
        yield one


@pytest.fixture(scope="session")
def wav(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_two_sides(tmp_path_factory.mktemp("wav") / "a.wav").read_bytes()
