"""`run.py status` and `report`: before the first run, and of runs that are silent or dead."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from commands.report.command import write_report
from commands.status import show_status
from db.connection import Database
from db.ledger.store import PostgresStore
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import DatabaseUnavailable


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.touch()
    return path


def shown(config: Path, url: str, capsys: pytest.CaptureFixture[str], as_json: bool = False) -> str:
    assert show_status(config, [f"database.url={url}"], as_json) == 0
    return capsys.readouterr().out


def test_before_the_first_run_there_is_no_database(config: Path, empty_url: str) -> None:
    """A server without tables ended in a traceback."""
    for as_json in (False, True):
        with pytest.raises(DatabaseUnavailable, match="no database there"):
            show_status(config, [f"database.url={empty_url}"], as_json)
    with pytest.raises(DatabaseUnavailable, match="no database there"):
        write_report(config, [f"database.url={empty_url}"], None, None)
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'").fetchall() == []


def test_other_database_errors_exit_3(config: Path, url: str, run_id: str, store: PostgresStore) -> None:
    store.end_run(run_id, 0, {}, {})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN report CASCADE")
    with pytest.raises(DatabaseUnavailable, match="db migrate"):
        show_status(config, [f"database.url={url}"], False)
    with pytest.raises(DatabaseUnavailable, match="db migrate"):
        write_report(config, [f"database.url={url}"], None, None)


def test_a_silent_run_is_alive_while_it_holds_its_lock(
    config: Path, url: str, store: PostgresStore, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It sends no heartbeat while it plans, loads models or delivers, and was called killed after half a minute."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE runs SET heartbeat_at = now() - interval '1 hour'")
    assert "killed" not in shown(config, url, capsys)
    status = json.loads(shown(config, url, capsys, as_json=True))
    assert (status["run"]["run_id"], status["run"]["state"], status["run"]["alive"]) == (run_id, "running", True)
    assert "note" not in status["run"]


def test_a_run_without_its_lock_was_killed_however_fresh_its_heartbeat(
    config: Path, url: str, store: PostgresStore, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'")
    assert "it was killed" in shown(config, url, capsys)
    assert json.loads(shown(config, url, capsys, as_json=True))["run"]["alive"] is False


def test_every_run_under_way_is_shown(
    config: Path, url: str, store: PostgresStore, capsys: pytest.CaptureFixture[str]
) -> None:
    with Database(DatabaseSettings(url=url), url, None) as database:
        other = PostgresStore(database)
        first = other.begin_run({}, "h", "there", ["file:///a"])
        second = store.begin_run({}, "h", "here", ["file:///b"])
        text = shown(config, url, capsys)
        assert text.index(first) < text.index(second)
        assert [run["run_id"] for run in json.loads(shown(config, url, capsys, as_json=True))["other_runs"]] == [first]
        other.close()


@pytest.mark.parametrize(
    ("progress", "lines"),
    [
        (
            {"done": 2, "failed": 1, "skipped": 1, "total": 12, "audio_s": 90.0, "elapsed_s": 60.4,
             "queues": {"store": 2}},
            ["  4 of 12 calls, 1 failed, 1.5 min of recordings in 60 s", "  about 2.0 min left; waiting: {'store': 2}"],
        ),
        (
            {"done": 0, "failed": 0, "skipped": 0, "total": 1, "audio_s": 0.0, "elapsed_s": 5.0, "queues": {}},
            ["  0 of 1 call, 0 failed, 0.0 min of recordings in 5 s"],
        ),
    ],
)  # fmt: skip
def test_a_run_under_way_tells_how_far_it_is(  # noqa: PLR0917 - fixtures
    progress: dict[str, object],
    lines: list[str],
    config: Path,
    url: str,
    run_id: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE runs SET progress = %s, started_at = '2026-09-14 03:04:05+00'", [json.dumps(progress)]
        )
    told = shown(config, url, capsys).splitlines()
    assert told[0].startswith(f"run {run_id} on testhost: running, begun 2026-09-")
    assert told[0].endswith(":04:05")
    assert told[1:] == [*lines, "calls: none"]


def test_a_finished_run_tells_its_exit_code_and_its_counts(
    config: Path, url: str, store: PostgresStore, run_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no run yet" not in shown(config, url, capsys)
    store.end_run(run_id, 5, {"done": 3, "failed": 0, "skipped": 2}, {})
    told = shown(config, url, capsys).splitlines()
    assert told[1:] == ["  exit code 5: 3 done, 2 skipped", "calls: none"]


def test_a_database_without_a_run_says_so(config: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(config, url, capsys) == "no run yet\ncalls: none\n"
    assert json.loads(shown(config, url, capsys, as_json=True)) == {"run": None, "calls": {}, "other_runs": []}
