"""What is kept of calls handed in goes when it is old, or its customer's; the calls stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from commands.purge.retention import forget_old_jobs
from db.connection import Database
from db.jobs.forgetting import Forgotten, forget_customers, forget_old
from pipeline.config.areas.retention import RetentionSettings
from pipeline.config.root import Settings

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


@pytest.fixture
def jobs(database: Database) -> None:
    """Named by what is special about each."""
    rows = [
        ("old", days_ago(40), None, "{}"),
        ("young", days_ago(20), None, '{"customer": "C-77"}'),
        ("called back later", days_ago(40), NOW, "{}"),
        ("under way", None, None, '{"customer": "C-77"}'),
    ]
    with database.connection() as connection:
        for name, ended_at, due_at, metadata in rows:
            connection.execute(
                """INSERT INTO jobs (job_id, state, submitted_by, request_hash, file_name, ended_at, callback_due_at,
                       metadata) VALUES (gen_random_uuid(), 'done', 'ann', '', %s, %s, %s, %s)""",
                [name, ended_at, due_at, metadata],
            )
            connection.execute(
                """INSERT INTO live_calls (session, started_at, file_name, roles, ended_at, metadata)
                   VALUES (%s, %s, %s, '{}', %s, %s)""",
                [name, days_ago(50), f"{name}.wav", ended_at, metadata],
            )


def left(database: Database, table: str = "jobs", column: str = "file_name") -> set[str]:
    with database.connection() as connection:
        return {str(row[0]) for row in connection.execute(f"SELECT {column} FROM {table}").fetchall()}


@pytest.mark.usefixtures("jobs")
def test_old_ones_go_and_callbacks_are_waited_for(database: Database) -> None:
    wanted = Forgotten(jobs=1, live_calls=2)
    assert forget_old(database, days_ago(30), write=False) == wanted
    assert len(left(database)) == 4
    assert forget_old(database, days_ago(30)) == wanted
    assert left(database) == {"young", "called back later", "under way"}
    assert left(database, "live_calls", "session") == {"young", "under way"}


@pytest.mark.usefixtures("jobs")
def test_a_customers_that_became_no_call_go_with_the_customer(database: Database) -> None:
    assert forget_customers(database, "C-77") == Forgotten(jobs=1, live_calls=1)
    assert left(database) == {"old", "called back later", "under way"}


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize(("days", "number"), [(None, 4), (45, 4), (30, 3), (10, 2)])
def test_the_setting_says_how_old(database: Database, days: int | None, number: int) -> None:
    forget_old_jobs(database, Settings(retention=RetentionSettings(jobs_days=days)), NOW)
    assert len(left(database)) == number
