"""Exports of a million chunks: processor seconds and memory by format, against half as many.

    python -m bench.exports [--calls 50000] [--chunks 20] [--formats jsonl,csv,parquet,xlsx]

Memory is the growth of this process's resident set while it writes; each format is written once for half of the calls
and once for all. The calls are made on the server.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psutil

from bench.materials.testbed import fresh_database
from bench.options import options_of
from db.connection import Database
from db.export import RESULT_FORMATS, TableFormat, export_table
from db.export.tables import CHUNKS
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import CsvSettings

if TYPE_CHECKING:
    from psycopg import Connection

COLUMNS = ("call_id", "file_name", "started_at", "role", "start_s", "end_s", "text", "flags", "fusion_sentiment")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--chunks", type=int, default=20, help="per call")
    parser.add_argument("--formats", default=",".join(RESULT_FORMATS))
    options = parser.parse_args(arguments)
    with fresh_database() as (database, folder):
        with database.connection() as connection:
            fill(connection, options.calls, options.chunks)
        figures = {}
        for name in options.formats.split(","):
            figures[name] = measured(database, folder, name)
            print(f"{name:10} {figures[name]}", flush=True)
    print(json.dumps({"bench": "exports", "calls": options.calls, "chunks": options.chunks, **figures}))


def fill(connection: Connection[Any], calls: int, chunks: int) -> None:
    """Calls on two days, half and half."""
    connection.execute(
        """INSERT INTO transcripts (fingerprint, audio_sha256, engine, model, options_hash, rank, demonstration,
               chunks_hash)
           SELECT 'f' || i, 's' || i, 'mlx_qwen3', 'm', 'o', 0, false, 'h' FROM generate_series(1, %s) i""",
        [calls],
    )
    connection.execute(
        """INSERT INTO calls (call_id, source_uri, file_name, audio_sha256, source_size_bytes, started_at, status,
               transcript_fingerprint)
           SELECT md5(i::text)::uuid, 'file:///in/' || i || '.wav', i || '.wav', 's' || i, 1000,
               timestamptz '2026-11-20 08:00Z' + (i %% 2) * interval '1 day' + i * interval '1 second' / 10, 'done',
               'f' || i
           FROM generate_series(1, %s) i""",
        [calls],
    )
    connection.execute(
        """INSERT INTO transcript_chunks
               (transcript_fingerprint, channel, ordinal, role, start_s, end_s, text, language)
           SELECT 'f' || i, n %% 2, n / 2, CASE n %% 2 WHEN 0 THEN 'agent' ELSE 'client' END, n * 3, n * 3 + 2.5,
               'well I was looking at my bill and the amount is not what you told me last month ' || i, 'en'
           FROM generate_series(1, %s) i, generate_series(0, %s - 1) n""",
        [calls, chunks],
    )
    connection.execute("ANALYZE")


def measured(database: Database, folder: Path, name: str) -> dict[str, Any]:
    table = CHUNKS.with_columns(COLUMNS)
    how = TableFormat(name=name, csv=CsvSettings(), zone=ZoneInfo("UTC"))
    figures: dict[str, Any] = {}
    nobody = CallFilter(agent="nobody")
    half = CallFilter(last_day=datetime(2026, 11, 20, tzinfo=UTC).date())
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
