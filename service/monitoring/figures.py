"""What `/metrics` tells beside requests: read from the database and the disks when somebody asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from db.queries import monitoring
from pipeline.jobs import JobState
from pipeline.presence import COUNTED, SeenWorker
from service.kept import Kept
from service.monitoring.bounded import Bounded
from service.monitoring.standing import disk_of, folders_of

if TYPE_CHECKING:
    from db.connection import Database
    from pipeline.config.root import Settings

_LIMIT_S = 2.0
_KEPT_S = 5.0
_COUNTERS = {
    "calls_done": ("earshot_calls_done", "Calls that workers finished."),
    "calls_failed": ("earshot_calls_failed", "Calls that failed; the next try may succeed."),
    "calls_skipped": ("earshot_calls_skipped", "Recordings that are no calls."),
    "audio_s": ("earshot_recognised_audio_seconds", "Length of the recordings that were recognised."),
    "speech_s": ("earshot_recognised_speech_seconds", "Speech in them, all channels together."),
}
assert set(_COUNTERS) == set(COUNTED)
_BY_PROVIDER = {
    "llm_asked": ("earshot_llm_asked", "Analysis steps of calls for which a language model was asked."),
    "llm_answered": ("earshot_llm_answered", "Those that it answered."),
    "llm_cost_usd": ("earshot_llm_cost_usd", "What answers cost, where prices are configured."),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """One look at the database."""

    queue: monitoring.Queue
    workers: tuple[SeenWorker, ...]
    totals: dict[str, float]
    calls: dict[str, int]
    jobs: dict[str, int]
    waiting: monitoring.Waiting


class Figures(Collector):
    """The database is asked at most every few seconds, and never waited for: without it `earshot_database_up` is 0."""

    def __init__(self, database: Database, settings: Settings, version: str) -> None:
        self._database = database
        self._settings = settings
        self._version = version
        self._asked = Bounded("metrics", Kept(self._look, _KEPT_S).get)

    def _look(self) -> Stored:
        database, within_s = self._database, self._settings.service.monitoring.worker_silence_s
        return Stored(
            queue=monitoring.queue(database),
            workers=tuple(worker for worker in monitoring.seen_workers(database, within_s) if worker.trouble is None),
            totals=dict(monitoring.work_totals(database)),
            calls=dict(monitoring.calls_by_status(database)),
            jobs=dict(monitoring.jobs_by_state(database)),
            waiting=monitoring.waiting(database),
        )

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "earshot_build",
            "What runs.",
            {"version": self._version, "python": ".".join(map(str, sys.version_info[:3]))},
        )
        yield from self._disks()
        yield from self._pool()
        future = self._asked.ask()
        wait([future], _LIMIT_S)
        up = future.done() and future.exception() is None
        yield GaugeMetricFamily("earshot_database_up", "1 when the database answered in time.", value=up)
        if up:
            yield from _queue(future.result().queue)
            yield from _of_workers(future.result().workers)
            yield from _totals(future.result().totals)
            yield from _states(future.result())

    def _disks(self) -> Iterator[Metric]:
        free = GaugeMetricFamily("earshot_disk_free_bytes", "Free space where this is written.", labels=["what"])
        size = GaugeMetricFamily("earshot_disk_size_bytes", "Size of that disk.", labels=["what"])
        for name, folder in folders_of(self._settings).items():
            with suppress(OSError):
                usage = disk_of(folder)
                free.add_metric([name], usage.free)
                size.add_metric([name], usage.total)
        yield from (free, size)

    def _pool(self) -> Iterator[Metric]:
        for name, value in self._database.pool_figures().items():
            yield GaugeMetricFamily(f"earshot_database_pool_{name}", f"Connection pool: {name}.", value=value)


def _states(stored: Stored) -> Iterator[Metric]:
    calls = GaugeMetricFamily("earshot_calls", "Recordings the database knows, by state.", labels=["status"])
    for status, number in stored.calls.items():
        calls.add_metric([status], number)
    yield calls
    jobs = GaugeMetricFamily("earshot_jobs", "Calls handed in, by state.", labels=["state"])
    for state in JobState:
        jobs.add_metric([state.value], stored.jobs.get(state.value, 0))
    yield jobs
    yield GaugeMetricFamily(
        "earshot_callbacks_waiting", "Callbacks still to be delivered.", value=stored.waiting.callbacks
    )
    yield GaugeMetricFamily("earshot_live_calls", "Calls heard now, on all servers.", value=stored.waiting.live_calls)


def _queue(queue: monitoring.Queue) -> Iterator[Metric]:
    yield GaugeMetricFamily("earshot_queue_calls", "Calls that wait for a worker.", value=queue.waiting)
    yield GaugeMetricFamily("earshot_queue_oldest_seconds", "How long the oldest of them waits.", value=queue.oldest_s)
    yield GaugeMetricFamily("earshot_claims_held", "Calls that a worker has.", value=queue.held)
    yield GaugeMetricFamily(
        "earshot_claims_overdue", "Calls of workers that no longer renew their lease.", value=queue.overdue
    )


def _of_workers(workers: tuple[SeenWorker, ...]) -> Iterator[Metric]:
    by_engine = GaugeMetricFamily("earshot_workers", "Workers that give signs of life.", labels=["engine"])
    engines = [worker.engine or "none" for worker in workers]
    for engine in sorted(set(engines)):
        by_engine.add_metric([engine], engines.count(engine))
    if not engines:
        by_engine.add_metric(["none"], 0)
    yield by_engine
    yield GaugeMetricFamily(
        "earshot_worker_silence_seconds",
        "Since the last sign of life of the worker that was silent longest, of those still counted.",
        value=max((worker.silent_s for worker in workers), default=0.0),
    )
    silent = GaugeMetricFamily(
        "earshot_llm_silent", "1 where it answered nothing when last asked.", labels=["provider"]
    )
    names = {name for worker in workers for name in worker.providers}
    for name in sorted(names):
        silent.add_metric([name], any(w.providers[name].silent for w in workers if name in w.providers))
    yield silent


def _totals(totals: dict[str, float]) -> Iterator[Metric]:
    for key, (name, about) in _COUNTERS.items():
        yield CounterMetricFamily(name, about, value=totals.get(key, 0.0))
    for key, (name, about) in _BY_PROVIDER.items():
        family = CounterMetricFamily(name, about, labels=["provider"])
        for total, value in sorted(totals.items()):
            if total.startswith(f"{key}:"):
                family.add_metric([total.partition(":")[2]], value)
        yield family
