"""Advisory locks that let one run at a time work on an input; the server frees a dead run's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db.connection import Database
from pipeline.errors import RunLocked

if TYPE_CHECKING:
    from psycopg import Connection

    from db.link import WatchedConnection

RUN_LOCK = 0x4561_7273_686F
"""Key of the advisory lock that all who work on a database share; such locks belong to one database. A run that does
not name its inputs, and every run of the first versions, has it alone."""

_SILENCE_S = 5.0
"""The locks' connection is given up after this long without an answer: stopping a run waits for its heartbeat."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Key:
    """One advisory lock."""

    name: str | None
    """Hashed for its key; None for RUN_LOCK."""
    shared: bool = False

    @property
    def sql(self) -> str:
        return "hashtextextended(%s, 0)" if self.name is not None else "%s::bigint"

    @property
    def parameter(self) -> object:
        return self.name if self.name is not None else RUN_LOCK


EVERYBODY = Key(None, shared=True)
ALONE = Key(None)
DELIVERY = Key("earshot delivery")
_ERASURE = Key("earshot erasure")
ERASING = (EVERYBODY, _ERASURE, DELIVERY)
"""One erasure at a time, and no delivery beside it: files that it has looked through are not written meanwhile."""
_TOLD = {DELIVERY: "a run is delivering its results", _ERASURE: "another erasure is under way"}


def keys_of_run(run_id: str, inputs: Sequence[str]) -> tuple[Key, ...]:
    """Without inputs the run shares the database with no other."""
    places = [Key(f"earshot input {address}") for address in sorted(set(inputs))]
    return (EVERYBODY if places else ALONE, *places, Key(f"earshot run {run_id}"))


class RunLock:
    """Advisory locks on a connection of their own: the server drops them when the process dies."""

    def __init__(self, database: Database, keys: Sequence[Key] = (ALONE,)) -> None:
        self._database = database
        self._keys = tuple(keys)
        self._connection: WatchedConnection | None = None
        self._session: tuple[int, str] | None = None
        """Process id and start of the server's session that took the locks for us last."""
        self._let_go = False
        self._guard = threading.Lock()

    def change(self, keys: Sequence[Key]) -> None:
        """Let go of what is held, and take these. Raises RunLocked."""
        with self._guard:
            self._drop()
            self._keys = tuple(keys)
            self._connection = self._take()
            self._let_go = False

    def take(self) -> None:
        """Take the locks, or make sure that they are still held. Raises RunLocked when another has one."""
        with self._guard:
            self._let_go = False
            self._hold()

    def keep(self) -> None:
        """Take the locks again where their connection broke, but not where they were released. Raises RunLocked."""
        with self._guard:
            if not self._let_go:
                self._hold()

    def _hold(self) -> None:
        if self._connection is None or not _alive(self._connection):
            self._drop()
            self._connection = self._take()

    def take_also(self, key: Key) -> bool:
        """A lock that nobody keeps for long; False while another has it."""
        self.take()
        with self._guard:
            assert self._connection is not None
            return self._try(self._connection, key)

    def release_also(self, key: Key) -> None:
        with self._guard:
            if self._connection is not None:
                self._connection.execute(f"SELECT pg_advisory_unlock({key.sql})".encode(), [key.parameter])

    def release(self) -> None:
        with self._guard:
            self._drop()
            self._let_go = True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take(self) -> WatchedConnection:
        from db.link import open_link

        settings = self._database.settings
        silence_s = min(_SILENCE_S, settings.connect_timeout_s)
        connection = open_link(self._database.url, settings, silence_s=silence_s, name="earshot run")
        try:
            # A machine that vanished without a word must not hold the locks for hours.
            connection.execute("SET tcp_keepalives_idle = 30")
            connection.execute("SET tcp_keepalives_interval = 10")
            connection.execute("SET tcp_keepalives_count = 3")
            for key in self._keys:
                self._take_one(connection, key)
            self._session = connection.execute(
                "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
            ).fetchone()
            return connection
        except BaseException:
            connection.close()
            raise

    def _take_one(self, connection: WatchedConnection, key: Key) -> None:
        import psycopg

        for _ in range(_TRIES):
            if self._try(connection, key):
                return
            self._end_our_old_session(connection, key)
        raise psycopg.OperationalError("our own old session still holds the run's lock")

    @staticmethod
    def _try(connection: Connection[Any], key: Key) -> bool:
        kind = "pg_try_advisory_lock_shared" if key.shared else "pg_try_advisory_lock"
        row = connection.execute(f"SELECT {kind}({key.sql})".encode(), [key.parameter]).fetchone()
        return bool(row and row[0])

    def _end_our_old_session(self, connection: WatchedConnection, key: Key) -> None:
        """A connection that broke on our side alone leaves its session holding the lock until keepalives end it.

        Raises RunLocked when the lock is somebody else's.
        """
        holders = connection.execute(
            f"""SELECT a.pid, a.backend_start::text
                FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database
                WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.granted
                    AND (l.classid::bigint << 32) + l.objid::bigint = {key.sql}""".encode(),  # noqa: S608
            [key.parameter],
        ).fetchall()
        if not holders:
            return  # the session has just ended
        if holders != [self._session]:
            raise RunLocked(self._holder(connection, key))
        connection.execute("SELECT pg_terminate_backend(%s, 2000)", [holders[0][0]])

    def _holder(self, connection: Connection[Any], key: Key) -> str:
        if key in _TOLD:
            return f"database {self._database.name}: {_TOLD[key]}; try again in a moment"
        address = (key.name or "").removeprefix("earshot input ") if key.name else None
        runs = connection.execute(
            """SELECT run_id, host, started_at FROM runs
               WHERE state = 'running' AND (%(place)s::text IS NULL OR %(place)s = ANY (inputs))
               ORDER BY run_is_alive(run_id) DESC, started_at DESC LIMIT 1""",
            {"place": address},
        ).fetchall()
        who = next(
            (f"run {run} on {host}, since {began:%Y-%m-%d %H:%M:%S %Z}" for run, host, began in runs), "another run"
        )
        what = f"is working on the same input ({address})" if address else "holds the lock"
        return (
            f"database {self._database.name}: {who}, {what}; wait for it (run.py status) or stop it. "
            "A dead run's lock frees itself."
        )


def _alive(connection: Connection[Any]) -> bool:
    import psycopg

    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return not connection.closed
