"""The pool of connections, as several threads use it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg_pool import PoolClosed

from db.connection import Database
from tests.waiting import PATIENCE_S


def test_threads_that_ask_first_at_once_share_one_pool(database: Database) -> None:
    """Each opened one, and all but the last leaked with their connections."""
    together = threading.Barrier(8)

    def ask() -> int:
        together.wait(PATIENCE_S)
        with database.connection() as connection:
            return connection.info.backend_pid

    with ThreadPoolExecutor(8) as threads:
        pids = {future.result() for future in [threads.submit(ask) for _ in range(8)]}
    assert len(pids) <= database.settings.pool_size
    with database.connection() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'earshot'"
        ).fetchone()
    assert row is not None
    assert row[0] <= database.settings.pool_size


def test_a_closed_database_stays_closed_for_threads_that_come_late(database: Database) -> None:
    """They opened a pool that nobody closed."""
    database.close()
    with pytest.raises(PoolClosed), database.connection():
        pass
