"""The `runs` table and the lock that lets one run at a time work on a database."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from db.connection import Database, worth_waiting
from db.ledger.values import clean, json_parameter
from pipeline.errors import DatabaseUnavailable, RunLocked
from pipeline.masking import masked_content

if TYPE_CHECKING:
    from psycopg import Connection

    from db.link import WatchedConnection

RUN_LOCK = 0x4561_7273_686F
"""Key of the advisory lock; such locks belong to one database."""
RUN_LOCK_KEYS = (RUN_LOCK >> 32, RUN_LOCK & 0xFFFFFFFF)
"""The key as `pg_locks` shows it: classid, objid."""

_SILENCE_S = 5.0
"""The lock's connection is given up after this long without an answer: stopping a run waits for its heartbeat."""

_TRIES = 3

_TRY = """
    SELECT pg_try_advisory_lock(%s), pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""
_HOLDER = """
    SELECT a.pid, a.backend_start::text
    FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.granted
        AND l.classid::bigint = %s AND l.objid::bigint = %s
"""


class RunLock:
    """An advisory lock on a connection of its own: the server drops it when the process dies."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: WatchedConnection | None = None
        self._session: tuple[int, str] | None = None
        """Process id and start of the server's session that took the lock for us last."""
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

    def _take(self) -> WatchedConnection:
        import psycopg

        from db.link import open_link

        settings = self._database.settings
        silence_s = min(_SILENCE_S, settings.connect_timeout_s)
        connection = open_link(self._database.url, settings, silence_s=silence_s, name="earshot run")
        try:
            # A machine that vanished without a word must not hold the lock for hours.
            connection.execute("SET tcp_keepalives_idle = 30")
            connection.execute("SET tcp_keepalives_interval = 10")
            connection.execute("SET tcp_keepalives_count = 3")
            for _ in range(_TRIES):
                taken, *session = connection.execute(_TRY, [RUN_LOCK]).fetchone() or (False,)
                if taken:
                    self._session = (session[0], session[1])
                    return connection
                self._end_our_old_session(connection)
            raise psycopg.OperationalError("our own old session still holds the run's lock")
        except BaseException:
            connection.close()
            raise

    def _end_our_old_session(self, connection: WatchedConnection) -> None:
        """A connection that broke on our side alone leaves its session holding the lock until keepalives end it.

        Raises RunLocked when the lock is somebody else's.
        """
        holder = connection.execute(_HOLDER, RUN_LOCK_KEYS).fetchone()
        if holder is None:
            return  # the session has just ended
        if holder != self._session:
            raise RunLocked(self._holder(connection))
        connection.execute("SELECT pg_terminate_backend(%s, 2000)", [holder[0]])

    def _holder(self, connection: Connection[Any]) -> str:
        runs = connection.execute(
            "SELECT run_id, host, started_at FROM runs WHERE state = 'running' ORDER BY started_at DESC LIMIT 1"
        ).fetchall()
        who = next((f"run {run} on {host}, since {at:%Y-%m-%d %H:%M:%S %Z}" for run, host, at in runs), "another run")
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
            connection.execute("DELETE FROM claims USING runs WHERE runs.run_id = claims.run_id AND state <> 'running'")
            connection.execute(
                """INSERT INTO runs (run_id, host, configuration_hash, configuration) VALUES (%s, %s, %s, %s)
                   ON CONFLICT (run_id) DO NOTHING""",
                [run_id, host, configuration_hash, json_parameter(masked_content(clean(dict(configuration))))],
            )

        try:
            self._database.patiently(work)
        except BaseException:
            self._lock.release()
            raise
        return str(run_id)

    def heartbeat(self, run_id: str, progress: Mapping[str, object]) -> None:
        """A sign of life; takes the lock again when its connection broke. Raises RunLocked when another run has it.

        Not patient: the next heartbeat comes soon, and whoever writes results does the waiting.
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
            connection.execute("DELETE FROM claims WHERE run_id = %s", [uuid.UUID(run_id)])

        try:
            self._database.patiently(work)
        finally:
            self._lock.release()

    def close(self) -> None:
        self._lock.release()
