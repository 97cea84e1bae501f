"""Reading over the API: what the audit costs each read.

    python -m bench.api [--calls 20000] [--chunks 10] [--reads 200]

The application in this process, over an embedded server with calls that are made up in the database. Reads of one call
alternate between an application that audits (a commit on the disk before each answer) and one that does not.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from bench.materials.testbed import fresh_database
from bench.million import load
from bench.options import options_of
from db.connection import Database
from db.queries.reading import ShownCall
from pipeline.config.root import Settings
from pipeline.records import SpeechSpan
from service.access.gate import Gate
from service.app import API_ROOMS, application


def all_heard(_: ShownCall) -> tuple[SpeechSpan, ...]:
    return ()


def browser(database: Database, folder: Path, *, audited: bool) -> TestClient:
    settings = Settings()
    access = settings.service.access.model_copy(update={"requests_per_minute": 1_000_000})
    gate = Gate(database, access, local=True) if audited else None
    app = application(database, settings, folder / f"spool {audited}", all_heard, rooms=API_ROOMS, gate=gate)
    return TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000))


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and of this process on processors."""
    wall_s, processor_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall_s, time.process_time() - processor_s


def audit(database: Database, folder: Path, reads: int) -> dict[str, Any]:
    taken: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    with browser(database, folder, audited=True) as audited, browser(database, folder, audited=False) as plain:
        ids = [call["call_id"] for call in plain.get("/v1/calls", params={"limit": 100}).json()["calls"]]
        for number in range(reads + 10):
            for kept, client in ((True, audited), (False, plain)):
                path = f"/v1/calls/{ids[number % len(ids)]}"
                times = spent(lambda client=client, path=path: client.get(path).raise_for_status())  # type: ignore[misc]
                if number >= 10:
                    taken[kept].append(times)
    with database.connection() as connection:
        row = connection.execute("SELECT count(*) FROM call_reads").fetchone()
    assert row == (reads + 10,), "each read has its row, and none else"
    extra = [1000 * (with_audit[0] - other[0]) for with_audit, other in zip(taken[True], taken[False], strict=True)]
    low, _, high = statistics.quantiles(extra, n=4)
    middle = {kept: [1000 * statistics.median(column) for column in zip(*taken[kept], strict=True)] for kept in taken}
    return {
        "reads": reads,
        "audited_ms": round(middle[True][0], 2),
        "plain_ms": round(middle[False][0], 2),
        "extra_ms": round(statistics.median(extra), 2),
        "extra_ms_quartiles": [round(low, 2), round(high, 2)],
        "extra_processor_ms": round(middle[True][1] - middle[False][1], 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--chunks", type=int, default=10, help="per call")
    parser.add_argument("--reads", type=int, default=200)
    given = parser.parse_args(arguments)
    with fresh_database() as (database, folder):
        load(database, given.calls, given.chunks)
        figures = audit(database, folder, given.reads)
    print(json.dumps({"bench": "api", "calls": given.calls, "chunks": given.chunks, **figures}))


if __name__ == "__main__":
    main()
