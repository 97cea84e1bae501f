"""Exports of a million chunks: processor seconds and memory by format, against half as many.

    python -m bench.exports [--calls 50000] [--chunks 20] [--formats jsonl,csv,parquet,xlsx]

Memory is the growth of this process's resident set while it writes; each format is written once for half of the calls
and once for all. The calls are those of `bench.million`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from bench.materials.testbed import fresh_database
from bench.million import MIDDLE, load
from bench.options import options_of
from db.connection import Database
from db.export.table_files import RESULT_FORMATS, TableFormat, export_table
from db.export.tables import CHUNKS
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import CsvSettings

COLUMNS = ("call_id", "file_name", "started_at", "role", "start_s", "end_s", "text", "flags", "fusion_sentiment")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--chunks", type=int, default=20, help="per call")
    parser.add_argument("--formats", default=",".join(RESULT_FORMATS))
    options = parser.parse_args(arguments)
    with fresh_database() as (database, folder):
        load(database, options.calls, options.chunks)
        figures = {}
        for name in options.formats.split(","):
            figures[name] = measured(database, folder, name)
            print(f"{name:10} {figures[name]}", flush=True)
    print(json.dumps({"bench": "exports", "calls": options.calls, "chunks": options.chunks, **figures}))


def measured(database: Database, folder: Path, name: str) -> dict[str, Any]:
    table = CHUNKS.with_columns(COLUMNS)
    how = TableFormat(name=name, csv=CsvSettings(), zone=ZoneInfo("UTC"))
    figures: dict[str, Any] = {}
    nobody = CallFilter(agent="nobody")
    half = CallFilter(last_day=MIDDLE)
    export_table(database, nobody, table, folder / f"none.{name}", how)  # what it imports is no growth
    for size, chosen in (("half", half), ("all", CallFilter())):
        path = folder / f"{size}.{name}"
        start_s = time.process_time()
        with watched_memory() as grown:
            rows = export_table(database, chosen, table, path, how)
        spent_s = time.process_time() - start_s
        figures[size] = {
            "rows": rows,
            "processor_s": round(spent_s, 1),
            "rows_per_processor_s": round(rows / spent_s),
            "memory_grown_mb": round(max(grown) / 1e6, 1),
            "file_mb": round(path.stat().st_size / 1e6, 1),
        }
        path.unlink()
    return figures


@contextmanager
def watched_memory() -> Iterator[list[int]]:
    """Bytes by which the resident set is larger than at the beginning, looked at ten times a second."""
    process = psutil.Process()
    before, grown, done = process.memory_info().rss, [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            grown.append(process.memory_info().rss - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield grown
    finally:
        done.set()
        watcher.join()


if __name__ == "__main__":
    main()
