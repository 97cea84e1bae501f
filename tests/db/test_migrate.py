"""Migrations: whole or not at all, one process at a time, a kill leaves nothing to clear up."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from db.admin import migrate_database
from db.migrate import SCHEMA, migrate
from pipeline.config.areas.database import DatabaseSettings
from pipeline.errors import DatabaseUnavailable
from tests.waiting import until

MIGRATE = """
import sys
from pathlib import Path
from db.migrate import migrate
print(migrate(sys.argv[1], Path(sys.argv[2])), flush=True)
"""


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {
            name
            for (name,) in connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            )
        }


def steps(folder: Path, **scripts: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (folder / f"{name}.sql").write_text(script)
    return folder


def in_a_process(url: str, schema: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", MIGRATE, url, str(schema)], stdout=subprocess.PIPE, text=True)


def wait_for(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        until(lambda: connection.execute(statement.encode()).fetchone())


SLEEPING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()"  # noqa: E501


def test_from_nothing_and_then_nothing_to_do(empty_url: str) -> None:
    applied = migrate(empty_url)
    assert applied == sorted(path.stem for path in SCHEMA.glob("*.sql"))
    assert {"runs", "calls", "chunks"} <= tables(empty_url)
    assert migrate(empty_url) == []


def test_a_kill_in_the_middle(empty_url: str, tmp_path: Path) -> None:
    schema = steps(
        tmp_path / "s",
        m1="CREATE TABLE one (id int);",
        m2="CREATE TABLE two (id int); SELECT pg_sleep(30); CREATE TABLE three (id int);",
    )
    process = in_a_process(empty_url, schema)
    wait_for(empty_url, SLEEPING)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The server notices the dead client at the next message; a real migration step is short.
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert "two" not in tables(empty_url)
    steps(schema, m2="CREATE TABLE two (id int); CREATE TABLE three (id int);")
    assert migrate(empty_url, schema) == ["m2"]
    assert {"one", "two", "three"} <= tables(empty_url)


@pytest.mark.parametrize("moment_s", [0.3, 0.45, 0.6, 0.75, 0.9])
def test_kills_at_any_moment(empty_url: str, moment_s: float) -> None:
    process = in_a_process(empty_url, SCHEMA)
    time.sleep(moment_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    migrate(empty_url)
    assert {"runs", "calls", "chunks"} <= tables(empty_url)
    assert migrate(empty_url) == []


def test_a_lock_row_left_by_yoyo_itself_is_no_lock(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE yoyo_lock (locked int DEFAULT 1 PRIMARY KEY, ctime timestamp, pid int)")
        connection.execute("INSERT INTO yoyo_lock VALUES (1, now(), 12345)")
    assert migrate(empty_url)


def test_two_at_once_apply_each_migration_once(empty_url: str, tmp_path: Path) -> None:
    schema = steps(
        tmp_path / "s", m1="CREATE TABLE one (id int); SELECT pg_sleep(0.3);", m2="CREATE TABLE two (id int);"
    )
    outputs = [process.communicate()[0] for process in [in_a_process(empty_url, schema) for _ in range(2)]]
    assert sorted(output.splitlines()[-1] for output in outputs) == ["['m1', 'm2']", "[]"]


def test_a_failing_migration_leaves_nothing(empty_url: str, tmp_path: Path) -> None:
    schema = steps(tmp_path / "s", m1="CREATE TABLE one (id int); SELECT 1 / 0;")
    with pytest.raises(DatabaseUnavailable, match="division by zero"):
        migrate(empty_url, schema)
    assert "one" not in tables(empty_url)
    steps(schema, m1="CREATE TABLE one (id int);")
    assert migrate(empty_url, schema) == ["m1"]


def test_a_database_of_a_newer_earshot_is_left_alone(empty_url: str, tmp_path: Path) -> None:
    migrate(empty_url, steps(tmp_path / "newer", m1="CREATE TABLE one (id int);", m2="CREATE TABLE two (id int);"))
    with pytest.raises(DatabaseUnavailable, match="newer Earshot"):
        migrate(empty_url, steps(tmp_path / "older", m1="CREATE TABLE one (id int);"))


def test_the_command_names_what_it_applied(empty_url: str) -> None:
    settings = DatabaseSettings(url=empty_url)
    applied = migrate_database(settings)
    assert applied == sorted(path.stem for path in SCHEMA.glob("*.sql"))
    assert migrate_database(settings) == []
