"""The rows of a results table: one builder for CSV, XLSX and Parquet."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from db.ledger.rows import CONVERSATION_COLUMNS
from db.records import Row

if TYPE_CHECKING:
    from db.connection import Database

LABELS = ("negative", "neutral", "positive")
SENTIMENT_PARTS = ("sentiment", "confidence", "probabilities")

FIRST_COLUMNS = (
    "file_name",
    "transcription",
    "agent_transcription",
    "client_transcription",
    *(
        f"{role}_{step}_{part}"
        for step in ("text", "acoustic")
        for role in ("agent", "client")
        for part in SENTIMENT_PARTS
    ),
    *(f"{role}_fusion_{part}" for role in ("agent", "client") for part in ("sentiment", "confidence")),
    "error",
    "topics",
)
"""Fixed in name and order: people load these files elsewhere."""

FURTHER_COLUMNS = (
    "call_id",
    "source_uri",
    "status",
    "flags",
    "started_at",
    "duration_s",
    "channels",
    "sample_rate_hz",
    "direction",
    "agent_id",
    "customer_segment",
    "queue",
    "language",
    "agent_fusion_probabilities",
    "client_fusion_probabilities",
    *(f"unknown_{step}_{part}" for step in ("text", "acoustic", "fusion") for part in SENTIMENT_PARTS),
    "topic",
    "subtopic",
    "topic_confidence",
    "second_topic",
    "second_subtopic",
    "second_topic_confidence",
    "summary",
    "summary_details",
    "summary_evidence",
    "summary_check",
    "action_items",
    *CONVERSATION_COLUMNS,
    "mood_turned_by",
    "mood_turned_at_s",
    "mood_turned_to",
    "mood_turned_line",
    "sentiment_trends",
    "conversation_trends",
    "missing_reasons",
    "asr_engine",
    "asr_model",
    "asr_revision",
    "asr_demonstration",
    "llm_provider",
    "llm_model",
    "transcript_fingerprint",
    "run_id",
    "processed_at",
)

COLUMNS = (*FIRST_COLUMNS, *FURTHER_COLUMNS)

BATCH = 500
"""Calls read at a time: memory does not grow with their number."""


def result_rows(database: Database, call_ids: Sequence[str]) -> Iterator[Row]:
    """A row per call, in the order given, with the keys of COLUMNS; a missing value is None."""
    from psycopg.rows import dict_row

    for start in range(0, len(call_ids), BATCH):
        batch = [uuid.UUID(call_id) for call_id in call_ids[start : start + BATCH]]

        def read(connection: Any, ids: Sequence[uuid.UUID] = tuple(batch)) -> list[Row]:
            with connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute("SELECT * FROM calls WHERE call_id = ANY(%s)", [list(ids)])
                rows: list[Row] = cursor.fetchall()
                return rows

        stored = {row["call_id"]: row for row in database.patiently(read)}
        yield from (result_row(stored[call_id]) for call_id in batch if call_id in stored)


def result_row(call: Mapping[str, Any]) -> Row:
    """One row from a row of `calls`."""
    made = {"error": error_text(call), "topics": topic_text(call)}
    row: Row = {name: made[name] if name in made else call[name] for name in COLUMNS}
    row["flags"] = tuple(call["flags"])  # a tuple of words, a list is JSON
    for name, value in row.items():
        if name.endswith("_probabilities") and value is not None:
            row[name] = {label: value[label] for label in LABELS}  # jsonb keeps no order
    return row


def error_text(call: Mapping[str, Any]) -> str | None:
    if call["error_type"] is None:
        return None
    return f"{call['error_type']}: {call['error_message']}" if call["error_message"] else str(call["error_type"])


def topic_text(call: Mapping[str, Any]) -> str | None:
    """`topic > subtopic`."""
    if call["topic"] is None:
        return None
    return f"{call['topic']} > {call['subtopic']}" if call["subtopic"] else str(call["topic"])
