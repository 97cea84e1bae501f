"""The `runs` table, and the locks that let one run at a time work on an input."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db.connection import Database, worth_waiting
from db.ledger.values import clean, json_parameter
from pipeline.errors import DatabaseUnavailable, RunLocked
from pipeline.masking import masked_content

if TYPE_CHECKING:
    from psycopg import Connection

    from db.link import WatchedConnection

RUN_LOCK = 0x4561_7273_686F
"""Key of the advisory lock that all who work on a database share; such locks belong to one database. A run that does
not name its inputs, and every run of the first versions, has it alone."""

_SILENCE_S = 5.0
"""The locks' connection is given up after this long without an answer: stopping a run waits for its heartbeat."""

_TRIES = 3
_DELIVERY = "earshot delivery"
_LOOK_AGAIN_S = 0.5


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


def keys_of_run(run_id: str, inputs: Sequence[str]) -> tuple[Key, ...]:
    """Without inputs the run shares the database with no other."""
    places = [Key(f"earshot input {place}") for place in sorted(set(inputs))]
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
        place = (key.name or "").removeprefix("earshot input ") if key.name else None
        runs = connection.execute(
            """SELECT run_id, host, started_at FROM runs
               WHERE state = 'running' AND (%(place)s::text IS NULL OR %(place)s = ANY (inputs))
               ORDER BY run_is_alive(run_id) DESC, started_at DESC LIMIT 1""",
            {"place": place},
        ).fetchall()
        who = next((f"run {run} on {host}, since {at:%Y-%m-%d %H:%M:%S %Z}" for run, host, at in runs), "another run")
        what = f"is working on the same input ({place})" if place else "holds the lock"
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


class Runs:
    """Begin, heartbeat and end of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = RunLock(database, ())

    def begin(
        self, configuration: Mapping[str, object], configuration_hash: str, host: str, inputs: Sequence[str] = ()
    ) -> str:
        """Raises RunLocked when another run has one of the inputs, DatabaseUnavailable when the server is away."""
        run_id = uuid.uuid4()
        self._take(keys_of_run(str(run_id), inputs))

        def work(connection: Connection[Any]) -> None:
            # Another run may just be taking its locks again after a broken connection: its heartbeat is young.
            connection.execute(
                """UPDATE runs SET state = 'crashed', ended_at = heartbeat_at
                   WHERE state = 'running' AND run_id <> %(run)s AND NOT run_is_alive(run_id)
                       AND (inputs && %(inputs)s::text[] OR '{}' IN (inputs, %(inputs)s::text[])
                            OR heartbeat_at < now() - interval '30 s')""",
                {"run": run_id, "inputs": list(inputs)},
            )
            connection.execute("DELETE FROM claims USING runs WHERE runs.run_id = claims.run_id AND state <> 'running'")
            connection.execute(
                """INSERT INTO runs (run_id, host, configuration_hash, configuration, inputs)
                   VALUES (%s, %s, %s, %s, %s) ON CONFLICT (run_id) DO NOTHING""",
                [
                    run_id,
                    host,
                    configuration_hash,
                    json_parameter(masked_content(clean(dict(configuration)))),
                    list(inputs),
                ],
            )

        try:
            self._database.patiently(work)
        except BaseException:
            self._lock.release()
            raise
        return str(run_id)

    def resume(self, inputs: Sequence[str]) -> str | None:
        """Go on with the run over exactly these inputs that a process before this one left open; None without one.

        Raises RunLocked while that process lives.
        """

        def work(connection: Connection[Any]) -> uuid.UUID | None:
            row = connection.execute(
                """SELECT run_id FROM runs WHERE state = 'running' AND inputs = %s::text[]
                   ORDER BY started_at DESC LIMIT 1""",
                [list(inputs)],
            ).fetchone()
            return row[0] if row else None

        run_id = self._database.patiently(work)
        if run_id is not None:
            self._take(keys_of_run(str(run_id), inputs))
        return str(run_id) if run_id is not None else None

    def succeed(self, run_id: str, counts: Mapping[str, int], inputs: Sequence[str]) -> str:
        """Hand the open calls of a run over to a new one like it, and end it. What is under way goes on."""
        old, new = uuid.UUID(run_id), uuid.uuid4()

        def work(connection: Connection[Any]) -> None:
            connection.execute(
                """INSERT INTO runs (run_id, host, configuration_hash, configuration, inputs)
                   SELECT %s, host, configuration_hash, configuration, inputs FROM runs WHERE run_id = %s
                   ON CONFLICT (run_id) DO NOTHING""",
                [new, old],
            )
            connection.execute("UPDATE claims SET run_id = %s WHERE run_id = %s AND done_at IS NULL", [new, old])
            self._finish(connection, old, 0, counts, {})

        self._database.patiently(work)
        self._take(keys_of_run(str(new), inputs))
        return str(new)

    def join(self) -> None:
        """Work on the calls of other runs. Raises RunLocked when a run wants the database for itself."""
        self._take((EVERYBODY,))

    def leave(self) -> None:
        """Work on no call for the time being: what wants the database for itself may have it."""
        self._lock.release()

    def _take(self, keys: Sequence[Key]) -> None:
        import psycopg

        try:
            self._lock.change(keys)
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"database {self._database.name}: {error}") from error

    def keep(self) -> None:
        """Take the locks again where their connection broke. Not patient. Raises RunLocked when another has one."""
        import psycopg

        with suppress(psycopg.Error):
            self._lock.keep()

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """One run at a time delivers; waits for another that does. Raises DatabaseUnavailable."""
        import psycopg

        key, waits_until = Key(_DELIVERY), time.monotonic() + self._database.settings.patience_s
        while True:
            try:
                if self._lock.take_also(key):
                    break
                waits_until = time.monotonic() + self._database.settings.patience_s
            except psycopg.Error as error:
                if time.monotonic() > waits_until:
                    raise DatabaseUnavailable(f"database {self._database.name}: {error}") from error
            time.sleep(_LOOK_AGAIN_S)
        try:
            yield
        finally:
            with suppress(psycopg.Error):
                self._lock.release_also(key)

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
                    """UPDATE runs SET heartbeat_at = now(), progress = %s, state = 'running', ended_at = NULL
                       WHERE run_id = %s AND state <> 'finished'""",
                    [json_parameter(clean(dict(progress))), uuid.UUID(run_id)],
                )
        except (psycopg.Error, PoolTimeout) as error:
            if not worth_waiting(error):
                raise

    def end(self, run_id: str, exit_code: int, counts: Mapping[str, int], report: Mapping[str, object]) -> None:

        def work(connection: Connection[Any]) -> None:
            self._finish(connection, uuid.UUID(run_id), exit_code, counts, report)

        try:
            self._database.patiently(work)
        finally:
            self._lock.release()

    @staticmethod
    def _finish(
        connection: Connection[Any],
        run: uuid.UUID,
        exit_code: int,
        counts: Mapping[str, int],
        report: Mapping[str, object],
    ) -> None:
        connection.execute(
            """UPDATE runs SET state = 'finished', ended_at = now(), heartbeat_at = now(), exit_code = %s,
                   counts = %s, report = %s WHERE run_id = %s""",
            [exit_code, json_parameter(dict(counts)), json_parameter(clean(dict(report))), run],
        )
        connection.execute("DELETE FROM claims WHERE run_id = %s", [run])

    def close(self) -> None:
        self._lock.release()
