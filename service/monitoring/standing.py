"""What the service depends on: the database, workers with recognisers and language models, room on its disks."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from db.queries.monitoring import answers, seen_workers
from pipeline.plurals import counted
from pipeline.presence import SeenWorker
from service.monitoring.checks import Check, Finding, State, ready

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

_GB = 2**30


def folders_of(settings: Settings) -> Mapping[str, Path]:
    """Where the service and its workers write, by what is written there."""
    return {
        "recordings": settings.service.recordings_dir,
        "spool": settings.run.spool_dir,
        "output": settings.output.directory,
    }


def checks_of(database: Database, settings: Settings) -> Sequence[Check]:
    least_gb = settings.service.monitoring.min_free_disk_gb
    disks = [
        Check(f"disk_{name}", partial(room_in, folder, least_gb), State.UNREADY)
        for name, folder in folders_of(settings).items()
    ]
    return [
        Check("database", partial(_database, database), State.UNREADY),
        Check("workers", partial(_workers, database, settings.service.monitoring.worker_silence_s), State.DEGRADED),
        *disks,
    ]


def _database(database: Database) -> Finding:
    answers(database)
    return ready("answers")


class Disk(NamedTuple):
    """Bytes."""

    total: int
    used: int
    free: int


def disk_of(folder: Path) -> Disk:
    """Of the disk on which the folder is, or is to be made. Raises OSError."""
    there = next(above for above in (folder.absolute(), *folder.absolute().parents) if above.exists())
    return Disk(*shutil.disk_usage(there))


def room_in(folder: Path, least_gb: float) -> Finding:
    """Free space where the folder is, or is to be made. Raises OSError."""
    free_gb = disk_of(folder).free / _GB
    if free_gb < least_gb:
        return Finding(State.UNREADY, f"{free_gb:.1f} GB free, {least_gb:g} GB are wanted")
    return ready(f"{free_gb:.1f} GB free")


def _workers(database: Database, within_s: float) -> Finding:
    return judged(seen_workers(database, within_s), within_s)


def judged(workers: Sequence[SeenWorker], within_s: float) -> Finding:
    """Calls are accepted all the same; they are done later, or less well."""
    troubles = [worker.trouble for worker in workers if worker.trouble is not None]
    workers = [worker for worker in workers if worker.trouble is None]
    if troubles and not any(worker.engine for worker in workers):
        return Finding(State.DEGRADED, f"a worker was ended by {troubles[0]}, and none has a recogniser: calls wait")
    if not workers:
        return Finding(
            State.DEGRADED, f"no worker has given a sign of life for {within_s:g} s: calls that are handed in wait"
        )
    demonstrating = [worker for worker in workers if worker.demonstration]
    if demonstrating:
        return Finding(
            State.DEGRADED, f"only a demonstration recogniser ({demonstrating[0].engine}) serves; others could not load"
        )
    silent = sorted({name for worker in workers for name, use in worker.providers.items() if use.silent})
    if silent:
        return Finding(State.DEGRADED, f"language model {', '.join(silent)} did not answer when it was last asked")
    engines = sorted({worker.engine for worker in workers if worker.engine})
    return ready(f"{counted(len(workers), 'worker')}, {', '.join(engines) or 'no recogniser needed yet'}")
