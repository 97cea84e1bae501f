"""One real PostgreSQL server for all tests of a session, a fresh database for each: fixtures of tests/conftest.py."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from db.connection import Database
from db.embedded.server import EmbeddedServer
from db.ledger.store import PostgresStore
from db.migrate import migrate
from pipeline.config.areas.database import DatabaseSettings
from tests.watchdog import watched

TEMPLATE = "earshot"
"""The embedded server's own database, brought up to date, is the template of the others."""


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder of our own that an unprivileged account may enter (pytest's are closed to others).

    In memory where there is room: the tests make thousands of files. It goes, and servers in it, however pytest ends.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 * 2**30
    folder = Path(tempfile.mkdtemp(prefix="earshot-test-", dir=memory if roomy else None))
    folder.chmod(0o755)
    with watched(folder):
        yield folder


@pytest.fixture(scope="session")
def server(open_folder: Path) -> Iterator[EmbeddedServer]:
    one = EmbeddedServer(open_folder / "server")
    one.start()
    with psycopg.connect(one.url, autocommit=True) as connection:
        # What the tests store need not survive a power cut; with it a fresh database is a copy of files (see below).
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    migrate(one.url)
    yield one
    one.release()


@pytest.fixture
def empty_url(server: EmbeddedServer) -> Iterator[str]:
    """Address of a database without tables."""
    yield from fresh_database(server, "template1")


@pytest.fixture
def url(server: EmbeddedServer) -> Iterator[str]:
    """Address of a database with empty tables: reached as a server by URL."""
    yield from fresh_database(server, TEMPLATE)


def fresh_database(server: EmbeddedServer, template: str) -> Iterator[str]:
    """Address of a new database like `template`, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url, dbname="postgres", autocommit=True) as connection:
        # By the log, the default, each page is written twice: twice the processor time.
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    yield urlunsplit(urlsplit(server.url)._replace(path=f"/{name}"))
    with psycopg.connect(server.url, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with Database(DatabaseSettings(url=url, patience_s=5), url, None) as one:
        yield one


@pytest.fixture
def store(database: Database) -> Iterator[PostgresStore]:
    one = PostgresStore(database)
    yield one
    one.close()


@pytest.fixture
def run_id(store: PostgresStore) -> str:
    return store.begin_run({"run": {}}, "hash", "testhost")
