"""What storing a call costs. Growth over a long run, and planning known calls: `bench.whole_run`.

    python -m bench.database [--calls 200] [--rounds 5]

Compares all that a run writes for a call (claim, transcript, call with its steps: three transactions) with bare INSERTs
row by row, in one transaction or with a commit each. The variants alternate on one fresh embedded server.
"""

from __future__ import annotations

import json
import statistics
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil
from psycopg.types.json import Json

from analysis.records import CallSentiment, ChunkSentiment, RoleSentiment, Sentiment, Summary, Topic
from bench.materials.testbed import fresh_database, processor_s
from bench.options import options_of
from db.connection import Database
from db.ledger.rows import chunk_rows, chunk_sentiment_rows, step_row
from db.ledger.store import PostgresStore
from pipeline.records import (
    AudioHeader,
    CallOutcome,
    CallStatus,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    Role,
    StepResult,
    StepState,
    Transcript,
    TranscriptChunk,
    Word,
)

if TYPE_CHECKING:
    from psycopg import Connection

CALL_S = 60.0
"""Length of the typical call, in seconds; both channels together are twice that."""
MOMENT = datetime(2026, 11, 20, tzinfo=UTC)
CHUNKS = 24
"""Chunks of such a call."""
TEXT = "well I was looking at my bill and the amount is not what you told me last month on the phone"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("--calls", type=int, default=200, help="calls per round of the comparison")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    with fresh_database() as (database, _):
        figures = compare(database, options.calls, options.rounds)
    show(figures)


def compare(database: Database, calls: int, rounds: int) -> dict[str, Any]:
    """Milliseconds per call: the store, against one INSERT for each of the same rows."""
    store = PostgresStore(database)
    run_id = store.begin_run({}, "bench", "bench")
    ways: dict[str, tuple[Callable[[Any, CallOutcome], None], object]] = {
        "ours": (keep, store),
        "naive": (row_by_row, database),
        "committing": (committing_each_row, database),
    }
    wall: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, (write, where) in ways.items():
            made = [typical_call(run_id, f"{name}{number}-{i}") for i in range(calls)]
            start, begun = time.perf_counter(), cpu_s(database)
            for call in made:
                write(where, call)
            if number:  # the first round warms up
                wall[name].append((time.perf_counter() - start) / calls)
                cpu[name].append((cpu_s(database) - begun) / calls)
    store.end_run(run_id, 0, {}, {})
    ours = statistics.median(cpu["ours"])
    return {
        "save_call_ms": spread([1000 * seconds for seconds in wall["ours"]]),
        "save_call_cpu_ms": spread([1000 * seconds for seconds in cpu["ours"]]),
        "row_by_row_ms": spread([1000 * seconds for seconds in wall["naive"]]),
        "row_by_row_cpu_ms": spread([1000 * seconds for seconds in cpu["naive"]]),
        "commit_per_row_ms": spread([1000 * seconds for seconds in wall["committing"]]),
        "wall_against_commit_per_row": round(
            statistics.median(wall["committing"]) / statistics.median(wall["ours"]), 2
        ),
        "wall_against_row_by_row": round(statistics.median(wall["naive"]) / statistics.median(wall["ours"]), 2),
        "cpu_against_row_by_row": round(statistics.median(cpu["naive"]) / ours, 2),
        "times_real_time_per_core": round(2 * CALL_S / ours),
    }


def keep(store: PostgresStore, outcome: CallOutcome) -> None:
    """Write all that a run writes for a call."""
    assert outcome.transcript is not None
    assert outcome.prepared is not None
    call_id = store.claim_call(outcome.found, outcome.prepared.audio_sha256, None)
    store.save_transcript(outcome.transcript, outcome.prepared.audio_sha256)
    store.save_call(replace(outcome, call_id=call_id))


# --------------------------------------------------------------------------------------- made-up calls


def typical_call(run_id: str, name: str, chunks: int = CHUNKS) -> CallOutcome:
    """A call of a minute with words and every enrichment."""
    said = tuple(chunk_of(index) for index in range(chunks))
    sentiment = CallSentiment(
        roles=tuple(RoleSentiment(role=role, sentiment=Sentiment(0.2, 0.5, 0.3)) for role in (Role.AGENT, Role.CLIENT)),
        chunks=tuple(
            ChunkSentiment(channel=chunk.channel, ordinal=chunk.ordinal, sentiment=Sentiment(0.2, 0.5, 0.3))
            for chunk in said
        ),
    )
    payloads: dict[str, object] = {
        "text": sentiment,
        "acoustic": sentiment,
        "fusion": sentiment,
        "topic": Topic(topic="Billing", subtopic="Refund", confidence=0.9),
        "summary": Summary(text=TEXT, key_points=(TEXT,)),
    }
    return CallOutcome(
        call_id=str(uuid.uuid4()),
        found=FoundCall(
            source_uri=f"file:///bench/{name}.wav",
            file_name=f"{name}.wav",
            size_bytes=960_000,
            modified_at=MOMENT,
        ),
        status=CallStatus.DONE,
        run_id=run_id,
        prepared=PreparedCall(
            audio_sha256=name,
            header=AudioHeader(container="wav", codec="pcm_s16le", sample_rate_hz=8000, channels=2, duration_s=CALL_S),
            duration_s=CALL_S,
            channels=(),
            flags=(),
        ),
        transcript=Transcript(
            fingerprint=f"transcript of {name}",
            identity=EngineIdentity(
                engine="mlx_qwen3", model="m", revision="r", options_hash="o", rank=0, demonstration=False
            ),
            language="en",
            chunks=said,
        ),
        steps=tuple(
            StepResult(step=step, fingerprint=f"{step} of {name}", state=StepState.DONE, payload=payload)
            for step, payload in payloads.items()
        ),
    )


def chunk_of(index: int) -> TranscriptChunk:
    start_s = index * CALL_S / CHUNKS
    words = TEXT.split()
    return TranscriptChunk(
        channel=index % 2,
        ordinal=index // 2,
        role=Role.AGENT if index % 2 else Role.CLIENT,
        start_s=start_s,
        end_s=start_s + 2.0,
        text=TEXT,
        words=tuple(
            Word(text=word, start_s=start_s + i * 0.1, end_s=start_s + i * 0.1 + 0.1) for i, word in enumerate(words)
        ),
        language="en",
    )


def row_by_row(database: Database, outcome: CallOutcome) -> None:
    """The bare rows of one call in one transaction, an INSERT each; nothing is kept, merged, compared or claimed."""
    with database.connection() as connection:
        insert_rows(connection, outcome)


def committing_each_row(database: Database, outcome: CallOutcome) -> None:
    """As is usual in this field: every INSERT in a transaction of its own."""
    with database.connection() as connection:
        connection.autocommit = True
        try:
            insert_rows(connection, outcome)
        finally:
            connection.autocommit = False


def insert_rows(connection: Connection[Any], outcome: CallOutcome) -> None:
    assert outcome.transcript is not None
    transcript, call_id = outcome.transcript.fingerprint, uuid.uuid4()
    identity = {"engine": "e", "model": "m", "options_hash": "o", "rank": 0, "demonstration": False}
    _insert(connection, "transcripts", {"fingerprint": transcript, "audio_sha256": "x", "chunks_hash": "h", **identity})
    for row in chunk_rows(outcome.transcript, with_words=True):
        _insert(connection, "transcript_chunks", {"transcript_fingerprint": transcript, **row})
    found = {"source_uri": outcome.found.source_uri, "file_name": outcome.found.file_name, "source_size_bytes": 1}
    text = {"transcript_fingerprint": transcript, "transcription": TEXT * CHUNKS}
    _insert(connection, "calls", {"call_id": call_id, "status": "done", **found, **text})
    for result in outcome.steps:
        _insert(connection, "call_steps", {"call_id": call_id, "attempts": 1, **step_row(result)})
    for row in chunk_sentiment_rows(outcome.steps):
        _insert(connection, "chunk_sentiments", {"call_id": call_id, "transcript_fingerprint": transcript, **row})


def _insert(connection: Connection[Any], table: str, row: Mapping[str, Any]) -> None:
    values = [Json(value) if column in ("words", "payload") else value for column, value in row.items()]
    places = ", ".join(["%s"] * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})".encode(), values)


# --------------------------------------------------------------------------------------------- measuring


def cpu_s(database: Database) -> float:
    """CPU seconds of this process and of the server's processes for our connections."""
    assert database.server is not None
    with database.connection() as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchall()
    return time.process_time() + processor_s(psutil.Process(pid) for (pid,) in rows)


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 3),
        "lowest": round(min(values), 3),
        "highest": round(max(values), 3),
    }


def show(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps({"bench": "database", **figures}))


if __name__ == "__main__":
    main()
