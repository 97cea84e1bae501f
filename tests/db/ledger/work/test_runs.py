"""One run at a time, seen from another terminal, waiting out a database that goes away."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import PoolClosed, PoolTimeout

from db.connection import Database, connect, worth_waiting
from db.embedded.cluster import postmaster_alive
from db.ledger.store import PostgresStore
from db.queries.calls import calls_to_deliver_of
from db.queries.runs import latest_runs
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import DatabaseUnavailable, RunLocked
from pipeline.masking import masked, masked_content
from tests.db.samples import found, outcome
from tests.waiting import until

RUN = """
import sys, time
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.areas.database import DatabaseSettings
url = sys.argv[1]
store = PostgresStore(Database(DatabaseSettings(url=url), url, None))
print(store.begin_run({}, "h", "other"), flush=True)
time.sleep(120)
"""


def test_the_life_of_a_run(store: PostgresStore, database: Database) -> None:
    run_id = store.begin_run({"run": {"seed": 1}}, "hash", "here")
    store.heartbeat(run_id, {"done": 3})
    (run,) = latest_runs(database)
    assert (run.run_id, run.state, run.alive, run.progress) == (run_id, "running", True, {"done": 3})
    store.end_run(run_id, 1, {"found": 4}, {"wall_s": 2.5})
    (run,) = latest_runs(database)
    assert (run.state, run.alive, run.exit_code, run.counts) == ("finished", False, 1, {"found": 4})
    assert run.report == {"wall_s": 2.5}
    assert run.ended_at is not None


def test_a_second_run_is_refused_until_the_first_dies(url: str, store: PostgresStore, database: Database) -> None:
    process = subprocess.Popen([sys.executable, "-c", RUN, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline().strip()
    with pytest.raises(RunLocked, match=f"{first} on other"):
        store.begin_run({}, "h", "here")
    process.send_signal(signal.SIGKILL)
    process.wait()

    def begun() -> str | None:
        with contextlib.suppress(RunLocked):  # the server has not noticed yet
            return store.begin_run({}, "h", "here")
        return None

    second = until(begun)
    assert [(run.run_id, run.state) for run in latest_runs(database)] == [(second, "running"), (first, "crashed")]


def other_store(url: str) -> PostgresStore:
    return PostgresStore(Database(DatabaseSettings(url=url), url, None))


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (["file:///a"], ["file:///b"], True),
        (["file:///a", "file:///b"], ["file:///c"], True),
        (["file:///a"], ["file:///a"], False),
        (["file:///a", "file:///b"], ["file:///c", "file:///b"], False),
        (["file:///a"], [], False),
        ([], ["file:///a"], False),
    ],
)
def test_one_run_at_a_time_works_on_an_input(  # noqa: PLR0917
    url: str, store: PostgresStore, database: Database, first: list[str], second: list[str], together: bool
) -> None:
    one = store.begin_run({}, "h", "here", first)
    other = other_store(url)
    try:
        if together:
            two = other.begin_run({}, "h", "there", second)
            store.heartbeat(one, {})
            other.heartbeat(two, {})
            assert {run.run_id: (run.state, run.alive) for run in latest_runs(database)} == {
                one: ("running", True),
                two: ("running", True),
            }
        else:
            with pytest.raises(RunLocked, match=f"{one} on here"):
                other.begin_run({}, "h", "there", second)
            assert [run.state for run in latest_runs(database)] == ["running"]
        store.end_run(one, 0, {}, {})
        again = other_store(url)
        again.begin_run({}, "h", "there", first if together else second)
        again.close()
    finally:
        other.close()
        other.database.close()


def test_a_worker_may_join_beside_runs_with_inputs_and_beside_no_other(url: str, store: PostgresStore) -> None:
    helper = other_store(url)
    store.begin_run({}, "h", "here", ["file:///a"])
    helper.join_runs()
    helper.keep_locks()
    store.close()
    with pytest.raises(RunLocked):
        store.begin_run({}, "h", "here")
    helper.close()
    store.begin_run({}, "h", "here")
    with pytest.raises(RunLocked, match="holds the lock"):
        helper.join_runs()
    helper.database.close()


def test_a_dead_run_over_another_input_is_called_crashed_and_a_living_one_is_not(
    url: str, store: PostgresStore, database: Database
) -> None:
    dead, living = other_store(url), other_store(url)
    killed = dead.begin_run({}, "h", "there", ["file:///a"])
    alive = living.begin_run({}, "h", "there", ["file:///b"])
    dead.close()
    with database.connection() as connection:
        connection.execute("UPDATE runs SET heartbeat_at = now() - interval '1 minute'")
        connection.execute("SELECT pg_sleep(0.05) FROM generate_series(1, 100) WHERE run_is_alive(%s)", [killed])
    ours = store.begin_run({}, "h", "here", ["file:///c"])
    states = {run.run_id: run.state for run in latest_runs(database)}
    assert states == {killed: "crashed", alive: "running", ours: "running"}
    for one in (dead, living):
        one.close()
        one.database.close()


def test_one_run_at_a_time_delivers(url: str, store: PostgresStore) -> None:
    other, order = other_store(url), list[str]()
    store.begin_run({}, "h", "here", ["file:///a"])
    other.begin_run({}, "h", "there", ["file:///b"])

    def deliver() -> None:
        with other.delivering():
            order.append("second")

    with store.delivering():
        waiting = threading.Thread(target=deliver)
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join(30)
    assert order == ["first", "second"]
    other.close()
    other.database.close()


def test_a_run_leaves_the_calls_of_another_under_way_to_it(url: str, store: PostgresStore) -> None:
    other = other_store(url)
    ours = store.begin_run({}, "h", "here", ["file:///a"])
    theirs = other.begin_run({}, "h", "there", ["file:///b"])
    calls = {}
    for run_id, name in ((ours, "a.wav"), (theirs, "b.wav")):
        calls[name] = store.claim_call(found(name), name, None)
        assert store.save_call(outcome(calls[name], run_id, found(name)))
    assert list(store.undelivered(ours)) == calls_to_deliver_of(store.database, ours) == [calls["a.wav"]]
    store.mark_delivered(list(calls.values()), ours)
    other.end_run(theirs, 0, {}, {})
    assert list(store.undelivered(ours)) == [calls["b.wav"]], "its mark was refused while it was under way"
    later = other.begin_run({}, "h", "there", ["file:///c"])
    assert calls_to_deliver_of(store.database, later) == [calls["b.wav"]], "it ended without a report"
    other.close()
    other.database.close()


def test_a_run_that_cannot_begin_leaves_its_input_to_others(url: str, store: PostgresStore) -> None:
    with pytest.raises(psycopg.Error):
        store.begin_run({}, "h", "no \x00 host", ["file:///calls"])
    with Database(DatabaseSettings(url=url), url, None) as beside:
        other = PostgresStore(beside)
        assert other.begin_run({}, "h", "there", ["file:///calls"])
        other.close()


def test_a_heartbeat_notices_that_another_run_took_over(url: str, store: PostgresStore) -> None:
    run_id = store.begin_run({}, "h", "here")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'earshot run'"
        )
    store.heartbeat(run_id, {})  # taken again
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'earshot run'"
        )
    settings = DatabaseSettings(url=url)
    with Database(settings, url, None) as other_database:
        other = PostgresStore(other_database)
        other.begin_run({}, "h", "there")
        with pytest.raises(RunLocked):
            store.heartbeat(run_id, {})
        other.close()


def test_secrets_stay_out_of_the_table(store: PostgresStore, database: Database) -> None:
    store.begin_run(
        {
            "database": {"url": "postgresql://u:hunter2@db/x?password=hunter2"},
            "llm": {"providers": [{"api_key": "hunter2", "api_key_env": "X"}]},
            "hook": "https://user:hunter2@example.org/",
        },
        "h",
        "here",
    )
    with database.connection() as connection:
        row = connection.execute("SELECT configuration FROM runs").fetchone()
    assert row is not None
    assert "hunter2" not in json.dumps(row[0])
    assert masked_content({"max_tokens": 5, "data_dir": "x"}) == {"max_tokens": 5, "data_dir": "x"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:p%40w@h:5/d", "postgresql://u:***@h:5/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:pw@/d?host=%2Ftmp", "postgresql://u:***@/d?host=%2Ftmp"),
        ("postgresql://h/d?user=u&password=pw", "postgresql://h/d?user=u&password=***"),
    ],
)
def test_addresses_are_shown_without_passwords(address: str, shown: str) -> None:
    assert masked(address) == shown


# ------------------------------------------------------------------------------------------ away for a while


@pytest.fixture
def embedded(open_folder: Path) -> Iterator[Database]:
    settings = DatabaseSettings(data_dir=open_folder / f"runs-{time.monotonic_ns():x}", patience_s=60)
    with connect(settings) as database:
        yield database


def test_a_killed_embedded_server_is_brought_back_in_mid_run(embedded: Database) -> None:
    import os

    assert embedded.server is not None
    store = PostgresStore(embedded)
    run_id = store.begin_run({}, "h", "here")
    pid = postmaster_alive(embedded.server.files())
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert store.save_call(outcome(store.claim_call(found(), "aa", None), run_id))
    store.heartbeat(run_id, {"done": 1})
    assert latest_runs(embedded)[0].alive
    store.end_run(run_id, 0, {}, {})
    store.close()


def test_a_stopped_server_is_waited_for(embedded: Database) -> None:
    """A server by URL that is away for a while: nobody but its owner brings it back."""
    assert embedded.server is not None
    server = embedded.server
    settings = DatabaseSettings(url=embedded.url, patience_s=60)
    with Database(settings, embedded.url, None) as by_url:
        store = PostgresStore(by_url)
        run_id = store.begin_run({}, "h", "here")
        server.stop(force=True)
        back = threading.Timer(1.5, server.revive)
        back.start()
        store.heartbeat(run_id, {})  # says nothing while the server is away
        assert store.save_call(outcome(store.claim_call(found(), "aa", None), run_id))
        back.join()
        store.close()


def test_patience_ends(embedded: Database) -> None:
    assert embedded.server is not None
    with Database(DatabaseSettings(url=embedded.url, patience_s=0.5), embedded.url, None) as by_url:
        store = PostgresStore(by_url)
        assert store.undelivered() == []
        embedded.server.stop(force=True)
        with pytest.raises(DatabaseUnavailable, match="still away after"):
            store.undelivered()
        embedded.server.revive()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("postgresql://u:hidden@127.0.0.1:9/x", r"check that the server runs"),
        ("postgresql://u:hidden@no-such-host.invalid/x", r"no-such-host\.invalid"),
    ],
)
def test_a_database_that_is_not_there(address: str, message: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=message) as caught:
        connect(DatabaseSettings(url=address, connect_timeout_s=2))
    assert "hidden" not in str(caught.value)


def test_a_wrong_password_or_name_is_not_waited_for(url: str, server: object) -> None:
    for wrong in (url.replace("earshot:", "earshot:x"), url.replace("/test_", "/no_test_")):
        with pytest.raises(DatabaseUnavailable):
            connect(DatabaseSettings(url=wrong))


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (psycopg.OperationalError("server closed the connection"), True),
        (psycopg.errors.AdminShutdown("x"), True),
        (psycopg.errors.DiskFull("x"), True),
        (psycopg.errors.DeadlockDetected("x"), True),
        (psycopg.errors.InvalidPassword("x"), False),
        (psycopg.errors.UniqueViolation("x"), False),
        (psycopg.errors.SyntaxError("x"), False),
        (psycopg.InterfaceError("the connection is closed"), True),
        (PoolTimeout("x"), True),
        (PoolClosed("x"), False),
        (ValueError("x"), False),
    ],
)
def test_what_waiting_may_cure(error: Exception, waits: bool) -> None:
    assert worth_waiting(error) is waits
