"""The runs in which jobs are done: `pipeline.run.intake.IntakeRuns`."""

from __future__ import annotations

from collections.abc import Mapping

from db.connection import Database
from db.ledger.work.runs import Runs

JOBS = "jobs:"
"""Before the folder, in `runs.inputs`: such a run names no recording when it ends."""


class PostgresIntakeRuns:
    """One run after the other over the same folder of jobs. The database is closed by whoever opened it."""

    def __init__(
        self, database: Database, folder: str, configuration: Mapping[str, object], configuration_hash: str, host: str
    ) -> None:
        """`folder`: address of the recordings that are handed in."""
        self._runs = Runs(database)
        # Not the folder itself: a nightly run over it may run beside this one, and each leaves the other its calls.
        self._inputs = (f"{JOBS}{folder}",)
        self._configuration = configuration
        self._hash = configuration_hash
        self._host = host

    def resume(self) -> str | None:
        return self._runs.resume(self._inputs)

    def begin(self) -> str:
        return self._runs.begin_run(self._configuration, self._hash, self._host, self._inputs)

    def succeed(self, run_id: str, counts: Mapping[str, int]) -> str:
        return self._runs.succeed(run_id, counts, self._inputs)

    def heartbeat(self, run_id: str, progress: Mapping[str, object]) -> None:
        self._runs.heartbeat(run_id, progress)

    def end(self, run_id: str, counts: Mapping[str, int]) -> None:
        self._runs.end_run(run_id, 1 if counts.get("failed") else 0, counts, {})

    def close(self) -> None:
        self._runs.close()
