"""Servers that go silent without a word: noticed in bounded time; slow ones are waited for; a lock that outlives us."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from db.connection import Database, connect
from db.ledger.store import PostgresStore
from db.link import answers, link_options
from db.queries.runs import latest_runs
from db.run_lock import RunLock
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import DatabaseUnavailable, RunLocked
from tests.db.proxy import Proxy, proxied
from tests.db.samples import found, outcome

_SOL_TCP = socket.IPPROTO_TCP
FOREVER_S = 60.0
"""The system by itself would wait for a quarter of an hour; a busy machine takes seconds for what takes one."""


@pytest.fixture
def behind(url: str) -> Iterator[tuple[Proxy, Database]]:
    """A database behind a proxy; a second's patience."""
    with proxied(url) as (proxy, through):
        settings = DatabaseSettings(url=through, patience_s=1, connect_timeout_s=1)
        with Database(settings, through, None) as database:
            yield proxy, database


def test_every_connection_asks_the_kernel_to_notice_a_dead_peer(behind: tuple[Proxy, Database]) -> None:
    _, database = behind
    with database.connection() as connection:
        held = socket.socket(fileno=socket.dup(connection.fileno()))
    with held:
        assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert held.getsockopt(_SOL_TCP, socket.TCP_USER_TIMEOUT) == 4000
            assert held.getsockopt(_SOL_TCP, socket.TCP_KEEPIDLE) == 1
            assert held.getsockopt(_SOL_TCP, socket.TCP_KEEPCNT) == 3
    settings = DatabaseSettings(connect_timeout_s=10)
    options = link_options("postgresql://h/d?keepalives_idle=77", settings)
    assert "keepalives_idle" not in options, "what the address says stays"
    assert options["connect_timeout"] == 10
    assert 10 <= options["tcp_user_timeout"] / 1000 <= 15


def test_a_frozen_proxy_is_waited_for_no_longer_than_patience(behind: tuple[Proxy, Database]) -> None:
    proxy, database = behind
    store = PostgresStore(database)
    assert store.undelivered() == []
    proxy.freeze()
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable, match="still away after"):
        store.undelivered()
    assert time.monotonic() - began < FOREVER_S
    proxy.thaw()
    assert store.undelivered() == [], "it is used again once it is back"


def test_a_proxy_that_thaws_in_time_costs_nothing(url: str) -> None:
    with proxied(url) as (proxy, through):
        settings = DatabaseSettings(url=through, patience_s=60, connect_timeout_s=1)
        with Database(settings, through, None) as database:
            store = PostgresStore(database)
            run_id = store.begin_run({}, "h", "here")
            proxy.freeze()
            thaw = threading.Timer(4, proxy.thaw)
            thaw.start()
            assert store.save_call(outcome(store.claim_call(found(), "aa", None), run_id))
            thaw.join()
            store.close()


def test_a_statement_that_is_only_slow_is_waited_for(behind: tuple[Proxy, Database]) -> None:
    _, database = behind
    slept = database.patiently(lambda connection: connection.execute("SELECT pg_sleep(3.5), 7").fetchone())
    assert slept is not None
    assert slept[1] == 7


def test_a_server_that_refuses_has_answered(url: str) -> None:
    settings = DatabaseSettings(connect_timeout_s=1)
    assert answers(url, settings)
    assert answers(url.replace("/test_", "/no_test_"), settings)
    with proxied(url) as (proxy, through):
        proxy.freeze()
        assert not answers(through, settings)


@pytest.mark.slow
def test_a_heartbeat_to_a_frozen_server_returns_so_that_the_run_can_stop(behind: tuple[Proxy, Database]) -> None:
    proxy, database = behind
    store = PostgresStore(database)
    run_id = store.begin_run({}, "h", "here")
    proxy.freeze()
    for _ in range(2):
        began = time.monotonic()
        store.heartbeat(run_id, {})
        assert time.monotonic() - began < FOREVER_S
    proxy.thaw()
    store.heartbeat(run_id, {"done": 1})
    assert latest_runs(database)[0].progress == {"done": 1}
    store.close()


def test_a_frozen_server_at_the_start_is_told_of(url: str) -> None:
    with proxied(url) as (proxy, through):
        proxy.freeze()
        with pytest.raises(DatabaseUnavailable, match="timeout expired"):
            connect(DatabaseSettings(url=through, connect_timeout_s=1))


# ------------------------------------------------------------------------------- the lock's old session


def test_a_lock_connection_broken_on_our_side_alone_is_taken_again(behind: tuple[Proxy, Database]) -> None:
    """The server kept the old session, and the run ended with 4 for its own lock."""
    proxy, database = behind
    store = PostgresStore(database)
    run_id = store.begin_run({}, "h", "here")
    for done in (1, 2):
        proxy.lose_clients()
        store.heartbeat(run_id, {"done": done})
        (run,) = latest_runs(database)
        assert run.alive
    store.heartbeat(run_id, {"done": 3})
    assert latest_runs(database)[0].progress == {"done": 3}
    store.close()


def test_another_runs_session_is_never_ended(url: str, behind: tuple[Proxy, Database]) -> None:
    proxy, database = behind
    ours = RunLock(database)
    ours.take()
    proxy.lose_clients()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'earshot run'"
        )
    with Database(DatabaseSettings(url=url), url, None) as other_database:
        other = PostgresStore(other_database)
        other_run = other.begin_run({}, "h", "there")
        with pytest.raises(RunLocked, match="there"):
            ours.take()
        other.heartbeat(other_run, {})
        assert latest_runs(other_database)[0].alive
        other.close()
