"""Claims a second: simulated workers that claim calls and end them, each with a connection of its own.

    python -m bench.claims [--connections 1,10,50,200] [--seconds 5] [--at-once 4] [--jobs 40000]

A worker claims a few calls, and ends each in a transaction of its own that holds its fence, as one that stores a call
does. One fresh embedded server; client and server share the machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from db.connection import Database
from db.embedded.cluster import SERVER_OPTIONS
from db.embedded.server import EmbeddedServer
from db.ledger.claims import PostgresClaims
from db.ledger.store import PostgresStore
from db.link import WatchedConnection
from db.migrate import migrate
from pipeline.config.areas.database import DatabaseSettings
from pipeline.handled import Handled, HandledAs
from pipeline.records import CallStatus, FoundCall
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
    parser = argparse.ArgumentParser(prog="python -m bench.claims", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--connections", default="1,10,50,200")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--at-once", type=int, default=4, help="calls per claim")
    parser.add_argument("--jobs", type=int, default=40_000)
    parser.add_argument("--data", help="not used: the calls are made up")
    options = parser.parse_args()
    numbers = [int(number) for number in options.connections.split(",")]
    SERVER_OPTIONS["max_connections"] = str(max(numbers) + 20)
    folder = Path(tempfile.mkdtemp(prefix="earshot-bench-"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / "server")
    try:
        server.start()
        migrate(server.url)
        figures: dict[str, Any] = {"at_once": options.at_once}
        with Database(DatabaseSettings(url=server.url), server.url, None) as database:
            store = PostgresStore(database)
            for number in numbers:
                run_id, enqueued_s = _enqueue(store, options.jobs)
                figures["enqueued_per_s"] = round(options.jobs / enqueued_s)
                figures[f"connections_{number}"] = _measure(server.url, run_id, number, options)
                store.end_run(run_id, 0, {}, {})
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


def _measure(url: str, run_id: str, connections: int, options: argparse.Namespace) -> dict[str, float]:
    counts, waits_ms = [0] * connections, list[float]()
    ready = threading.Barrier(connections + 1)
    stop = threading.Event()

    def work(number: int) -> None:
        database = _WorkersDatabase(url)
        claims = PostgresClaims(database, f"worker {number}", "bench", 60)
        ready.wait()
        while not stop.is_set():
            asked = time.perf_counter()
            claimed = claims.claim(run_id, options.at_once)
            waits_ms.append(1000 * (time.perf_counter() - asked))
            for claim in claimed:
                claims.end(claim, Handled(handled_as=HandledAs.DONE, status=CallStatus.DONE))
                counts[number] += 1
        database.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    stop.wait(options.seconds)
    stop.set()
    wall_s = time.perf_counter() - began
    done = sum(counts)
    for thread in threads:
        thread.join()
    with psycopg.connect(url) as connection:
        twice = connection.execute(
            "SELECT count(*) FROM claims WHERE run_id = %s AND attempts > 1", [run_id]
        ).fetchone()
    return {
        "claims_per_s": round(done / wall_s),
        "claim_ms_median": round(statistics.median(waits_ms), 2),
        "claim_ms_p95": round(statistics.quantiles(waits_ms, n=20)[-1], 2) if len(waits_ms) > 1 else 0.0,
        "claimed_twice": twice[0] if twice else 0,
    }


if __name__ == "__main__":
    main()
