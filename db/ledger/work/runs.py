"""The `runs` table: runs begin, give signs of life, and end; each holds its locks meanwhile (db/run_lock.py)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from db.connection import Database, worth_waiting
from db.ledger.values import clean, json_parameter
from db.run_lock import DELIVERY, EVERYBODY, Key, RunLock, keys_of_run
from pipeline.errors import DatabaseUnavailable
from pipeline.masking import masked_content

if TYPE_CHECKING:
    from psycopg import Connection

_LOOK_AGAIN_S = 0.5


class Runs:
    """Begin, heartbeat and end of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = RunLock(database, ())

    def begin_run(
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

    def join_runs(self) -> None:
        """Work on the calls of other runs. Raises RunLocked when a run wants the database for itself."""
        self._take((EVERYBODY,))

    def _take(self, keys: Sequence[Key]) -> None:
        import psycopg

        try:
            self._lock.change(keys)
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"database {self._database.name}: {error}") from error

    def keep_locks(self) -> None:
        """Take the locks again where their connection broke. Not patient. Raises RunLocked when another has one."""
        import psycopg

        with suppress(psycopg.Error):
            self._lock.keep()

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """One run at a time delivers; waits for another that does. Raises DatabaseUnavailable."""
        import psycopg

        waits_until = time.monotonic() + self._database.settings.patience_s

        def is_ours() -> bool:
            nonlocal waits_until
            try:
                ours = self._lock.take_also(DELIVERY)
            except psycopg.Error as error:
                if time.monotonic() > waits_until:
                    raise DatabaseUnavailable(f"database {self._database.name}: {error}") from error
                return False
            waits_until = time.monotonic() + self._database.settings.patience_s
            return ours

        while not is_ours():
            time.sleep(_LOOK_AGAIN_S)
        try:
            yield
        finally:
            with suppress(psycopg.Error):
                self._lock.release_also(DELIVERY)

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

    def end_run(self, run_id: str, exit_code: int, counts: Mapping[str, int], report: Mapping[str, object]) -> None:

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
