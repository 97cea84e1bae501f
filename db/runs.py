"""The `runs` table and the lock that lets one run at a time work on a database."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from db.connection import Database, masked, worth_waiting
from db.values import clean, json_parameter
from pipeline.errors import DatabaseUnavailable, RunLocked

if TYPE_CHECKING:
    from psycopg import Connection

RUN_LOCK = 0x4561_7273_686F
"""Key of the advisory lock; such locks belong to one database."""

SECRET_NAMES = re.compile(r"(?i)password|secret|api_?key|token$|credential")


class RunLock:
    """An advisory lock on a connection of its own: the server drops it when the process dies."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection[Any] | None = None
        self._guard = threading.Lock()

    def take(self) -> None:
        """Take the lock, or make sure that it is still held. Raises RunLocked when another run has it."""
        with self._guard:
            if self._connection is not None and _alive(self._connection):
                return
            self._drop()
            self._connection = self._take()

    def release(self) -> None:
        with self._guard:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self) -> Connection[Any]:
        import psycopg

        connection = psycopg.connect(
            self._database.url,
            autocommit=True,
            connect_timeout=round(self._database.settings.connect_timeout_s),
            application_name="earshot run",
        )
        try:
            # A machine that vanished without a word must not hold the lock for hours.
            connection.execute("SET tcp_keepalives_idle = 30")
            connection.execute("SET tcp_keepalives_interval = 10")
            connection.execute("SET tcp_keepalives_count = 3")
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [RUN_LOCK]).fetchone()
            if row is not None and row[0]:
                return connection
            raise RunLocked(self._holder(connection))
        except BaseException:
            connection.close()
            raise

    def _holder(self, connection: Connection[Any]) -> str:
        row = connection.execute(
            "SELECT run_id, host, started_at FROM runs WHERE state = 'running' ORDER BY started_at DESC LIMIT 1"
        ).fetchone()
        who = f"run {row[0]} on {row[1]}, since {row[2]:%Y-%m-%d %H:%M:%S %Z}" if row else "another run"
        return (
            f"database {self._database.name}: {who} holds the lock; wait for it (run.py status) or stop it. "
            "A dead run's lock frees itself."
        )


def _alive(connection: Connection[Any]) -> bool:
    import psycopg

    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return not connection.closed


class Runs:
    """Begin, heartbeat and end of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = RunLock(database)

    def begin(self, configuration: Mapping[str, object], configuration_hash: str, host: str) -> str:
        """Raises RunLocked when another run holds the lock, DatabaseUnavailable when the server is away."""
        import psycopg

        try:
            self._lock.take()
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"database {self._database.name}: {error}") from error
        run_id = uuid.uuid4()

        def work(connection: Connection[Any]) -> None:
            connection.execute(
                "UPDATE runs SET state = 'crashed', ended_at = heartbeat_at WHERE state = 'running' AND run_id <> %s",
                [run_id],
            )
            connection.execute(
                """INSERT INTO runs (run_id, host, configuration_hash, configuration) VALUES (%s, %s, %s, %s)
                   ON CONFLICT (run_id) DO NOTHING""",
                [run_id, host, configuration_hash, json_parameter(without_secrets(clean(dict(configuration))))],
            )

        try:
            self._database.patiently(work)
        except BaseException:
            self._lock.release()
            raise
        return str(run_id)

    def heartbeat(self, run_id: str, progress: Mapping[str, object]) -> None:
        """A sign of life; takes the lock again when the server was restarted. Raises RunLocked when it is too late.

        Not patient: the next heartbeat comes soon, and the one that writes results does the waiting.
        """
        import psycopg
        from psycopg_pool import PoolTimeout

        try:
            self._lock.take()
            with self._database.connection() as connection:
                connection.execute(
                    "UPDATE runs SET heartbeat_at = now(), progress = %s WHERE run_id = %s",
                    [json_parameter(clean(dict(progress))), uuid.UUID(run_id)],
                )
        except (psycopg.Error, PoolTimeout) as error:
            if not worth_waiting(error):
                raise

    def end(self, run_id: str, exit_code: int, counts: Mapping[str, int], report: Mapping[str, object]) -> None:

        def work(connection: Connection[Any]) -> None:
            connection.execute(
                """UPDATE runs SET state = 'finished', ended_at = now(), heartbeat_at = now(), exit_code = %s,
                       counts = %s, report = %s WHERE run_id = %s""",
                [exit_code, json_parameter(dict(counts)), json_parameter(clean(dict(report))), uuid.UUID(run_id)],
            )

        try:
            self._database.patiently(work)
        finally:
            self._lock.release()

    def close(self) -> None:
        self._lock.release()


def without_secrets(value: Any) -> Any:
    """The configuration as it may be stored: passwords in addresses and values named like secrets are left out."""
    if isinstance(value, Mapping):
        return {
            key: "***" if isinstance(item, str) and item and SECRET_NAMES.search(str(key)) else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return masked(value) if isinstance(value, str) else value
