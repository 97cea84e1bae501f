"""Claims a second: simulated workers that claim calls and end them, each with a connection of its own.

    python -m bench.claims [--connections 1,10,50,200] [--seconds 5] [--at-once 1,4,16] [--jobs 40000]
                          [--in-hand 40]

- claims: a worker claims a few calls (`--at-once`) beside those it has (`--in-hand`, for its share of what is left),
  and ends each in a transaction of its own that holds its fence, as one that stores a call does. As fast as they can.
- signs of life: what a worker asks while it works on calls, at its own pace: calls that go first every second, the
  stages of its calls every two, its presence every five, its leases every thirty.
- rows: what a run writes for a call of a minute (`bench.database`), from one worker.

One fresh embedded server; client and server share the machine, so that claims a second are those of both together. The
server's processor time for each claim, worker and call is the server's alone: it says how much a larger one does.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench.database import keep, typical_call
from bench.materials.testbed import server_cpu_s
from bench.options import options_of
from db.connection import Database
from db.embedded.cluster import SERVER_OPTIONS
from db.embedded.server import EmbeddedServer
from db.ledger.store import PostgresStore
from db.ledger.work.claims import PostgresClaims
from db.link import WatchedConnection
from db.migrate import migrate
from pipeline.config.areas.database import DatabaseSettings
from pipeline.handled import Handled, HandledAs
from pipeline.presence import WorkerReport
from pipeline.records import CallStatus, ClaimStage, FoundCall
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.plan import Action, PlannedCall


class _OneConnection:
    """In place of a pool, whose threads would outnumber the workers."""

    def __init__(self, url: str) -> None:
        self._connection = WatchedConnection.connect(url, autocommit=True)

    @contextmanager
    def connection(self) -> Iterator[WatchedConnection]:
        yield self._connection

    def close(self) -> None:
        self._connection.close()


class _WorkersDatabase(Database):
    def __init__(self, url: str) -> None:
        super().__init__(DatabaseSettings(url=url), url, None)
        self._pool = _OneConnection(url)  # type: ignore[assignment]


def main() -> None:
    parser = options_of(__doc__)
    parser.add_argument("--connections", default="1,10,50,200")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--at-once", default="1,4,16", help="calls per claim")
    parser.add_argument("--in-hand", type=int, default=40, help="calls that each worker says it has")
    parser.add_argument("--stored", type=int, default=300, help="calls whose rows are written")
    parser.add_argument("--jobs", type=int, default=40_000)
    options = parser.parse_args()
    numbers = [int(number) for number in options.connections.split(",")]
    SERVER_OPTIONS["max_connections"] = str(max(numbers) + 20)
    folder = Path(tempfile.mkdtemp(prefix="earshot-bench-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "server")
    try:
        server.start()
        migrate(server.url)
        figures: dict[str, Any] = {}
        with Database(DatabaseSettings(url=server.url), server.url, None) as database:
            store = PostgresStore(database)
            for at_once in (int(number) for number in options.at_once.split(",")):
                for number in numbers:
                    run_id, enqueued_s = _enqueue(store, options.jobs)
                    figures["enqueued_per_s"] = round(options.jobs / enqueued_s)
                    measured = _measure(server, run_id, number, at_once, options)
                    figures[f"connections_{number}_at_once_{at_once}"] = measured
                    store.end_run(run_id, 0, {}, {})
            figures["signs_of_life"] = _signs_of_life(server, store, max(numbers), options)
            figures["rows"] = _rows(server, store, options.stored)
            store.close()
        print(json.dumps(figures))
    finally:
        server.stop(force=True)
        server.release()
        shutil.rmtree(folder, ignore_errors=True)


def _enqueue(store: PostgresStore, jobs: int) -> tuple[str, float]:
    """A run with its calls in the queue, and how long they took to get there."""
    run_id = store.begin_run({}, "bench", "bench")
    began = time.perf_counter()
    calls = {}
    for number in range(jobs):
        uri = f"file:///recordings/2026/11/26/{number:06}_agent17_inbound.wav"
        found = FoundCall(source_uri=uri, file_name=uri.rsplit("/", 1)[1], size_bytes=number, modified_at=None)
        calls[uri] = as_json(PlannedCall(found=found, action=Action.NEW))
    PostgresClaims(store.database, "planner", "bench", 60).enqueue(run_id, calls)
    return run_id, time.perf_counter() - began


class _Workers:
    """Threads with a connection each, which do one thing again and again until they are stopped."""

    def __init__(self, server: EmbeddedServer, number: int, work: Callable[[PostgresClaims], None]) -> None:
        self._server = server
        self._work = work
        self._ready = threading.Barrier(number + 1)
        self._leave = threading.Barrier(number + 1)
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=self._one, args=(index,)) for index in range(number)]

    def _one(self, number: int) -> None:
        database = _WorkersDatabase(self._server.url)
        claims = PostgresClaims(database, f"worker {number}", "bench", 60)
        claims.present(WorkerReport())
        self._ready.wait()
        while not self.stop.is_set():
            self._work(claims)
        self._leave.wait()
        database.close()

    def run(self, seconds: float) -> tuple[float, float]:
        """Seconds on the clock, and of the server's processors."""
        for thread in self._threads:
            thread.start()
        self._ready.wait()
        began, spent = time.perf_counter(), server_cpu_s(self._server)
        time.sleep(seconds)
        wall_s, cpu_s = time.perf_counter() - began, server_cpu_s(self._server) - spent
        self.stop.set()
        self._leave.wait()  # a connection's server process, and its time, are gone when it is closed
        for thread in self._threads:
            thread.join()
        return wall_s, cpu_s


def _measure(
    server: EmbeddedServer, run_id: str, connections: int, at_once: int, options: argparse.Namespace
) -> dict[str, float | None]:
    done, claim_ms, end_ms = [0], list[float](), list[float]()
    counting = threading.Lock()

    def work(claims: PostgresClaims) -> None:
        asked = time.perf_counter()
        claimed = claims.claim(run_id, at_once, in_hand=options.in_hand)
        claim_ms.append(1000 * (time.perf_counter() - asked))
        for claim in claimed:
            asked = time.perf_counter()
            claims.end(claim, Handled(handled_as=HandledAs.DONE, status=CallStatus.DONE))
            end_ms.append(1000 * (time.perf_counter() - asked))
            with counting:
                done[0] += not workers.stop.is_set()

    workers = _Workers(server, connections, work)
    wall_s, cpu_s = workers.run(options.seconds)
    with psycopg.connect(server.url) as connection:
        twice = connection.execute(
            "SELECT count(*) FROM claims WHERE run_id = %s AND attempts > 1", [run_id]
        ).fetchone()
    return {
        "claims_per_s": round(done[0] / wall_s),
        "server_cpu_ms_per_claim": round(1000 * cpu_s / done[0], 3) if done[0] else None,
        "server_cores_used": round(cpu_s / wall_s, 2),
        **_latency("claim", claim_ms),
        **_latency("end", end_ms),
        "claimed_twice": twice[0] if twice else 0,
    }


def _latency(name: str, waits_ms: list[float]) -> dict[str, float]:
    if len(waits_ms) < 2:
        return {}
    return {
        f"{name}_ms_median": round(statistics.median(waits_ms), 2),
        f"{name}_ms_p95": round(statistics.quantiles(waits_ms, n=20)[-1], 2),
    }


def _signs_of_life(
    server: EmbeddedServer, store: PostgresStore, workers: int, options: argparse.Namespace
) -> dict[str, float]:
    """Of workers that have one call each in hand, while others wait."""
    run_id, _ = _enqueue(store, options.jobs)
    own = threading.local()
    report = WorkerReport(engine="mlx_qwen3", model="m", totals={f"name {number}": 1.0 for number in range(8)})

    def second(claims: PostgresClaims) -> None:
        if not hasattr(own, "claim"):
            (own.claim,) = claims.claim(run_id, 1)
            own.second = 0
        began = time.perf_counter()
        claims.claim(None, 1, least_priority=1)
        if own.second % 2 == 0:
            stage = ClaimStage(
                claim_id=own.claim.claim_id,
                fence=own.claim.fence,
                stage="recognise",
                share=own.second / 100,
                audio_s=60.0,
            )
            claims.tell_stages([stage])
        if own.second % 5 == 0:
            claims.present(report)
        if own.second % 30 == 0:
            claims.renew([own.claim.fence])
        own.second += 1
        lasted_ms.append(1000 * (time.perf_counter() - began))
        time.sleep(max(0.0, 1.0 - (time.perf_counter() - began)))

    lasted_ms: list[float] = []
    wall_s, cpu_s = _Workers(server, workers, second).run(max(10.0, options.seconds))
    seconds = len(lasted_ms)
    store.end_run(run_id, 0, {}, {})
    return {
        "workers": workers,
        "server_cpu_ms_per_worker_and_second": round(1000 * cpu_s / seconds, 3),
        "server_cores_used": round(cpu_s / wall_s, 2),
        **_latency("second", lasted_ms),
    }


def _rows(server: EmbeddedServer, store: PostgresStore, calls: int) -> dict[str, float]:
    run_id = store.begin_run({}, "bench", "bench")
    made = [typical_call(run_id, f"stored-{number}") for number in range(calls)]
    began, spent, own = time.perf_counter(), server_cpu_s(server), time.process_time()
    for call in made:
        keep(store, call)
    wall_s = time.perf_counter() - began
    cpu_s, own_s = server_cpu_s(server) - spent, time.process_time() - own
    store.end_run(run_id, 0, {}, {})
    return {
        "calls_per_s_of_one_worker": round(calls / wall_s, 1),
        "server_cpu_ms_per_call": round(1000 * cpu_s / calls, 2),
        "worker_cpu_ms_per_call": round(1000 * own_s / calls, 2),
    }


if __name__ == "__main__":
    main()
