"""Where each column of the tables comes from: the part of a run that fills it, or the column that a view shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from db.ledger.rows import PAYLOADS, found_columns, prepared_columns, step_columns, transcript_columns
from pipeline.records import AudioHeader, CallMetadata, EngineIdentity, FoundCall, PreparedCall, Transcript

if TYPE_CHECKING:
    from psycopg import Connection

Record = TypeVar("Record", FoundCall, AudioHeader, PreparedCall, EngineIdentity, Transcript)

_TABLES: Mapping[str, str] = {
    "runs": "the run itself",
    "transcripts": "recogniser",
    "transcript_chunks": "recogniser, gates and joining of its segments",
    "finished_segments": "recogniser",
    "call_steps": "the step named in `step`",
    "rule_matches": "step rules",
    "scorecard_results": "step rules",
    "scorecard_answers": "step rules",
    "attention_notices": "end of a run (attention.notify)",
}
_CALLS: Mapping[str, str] = {
    "call_id": "the first address of the recording",
    "status": "the run itself",
    "flags": "decoding, recogniser, steps",
    "language": "recogniser, else metadata",
    "metadata": "file name or sidecar",
    "customer": "metadata.customer, else metadata.other",
    "caller": "direction with metadata.other, agent_id or extension",
    "sentiment_trends": "steps text, acoustic, fusion",
    "mood_turned_by": "step fusion, else text",
    "mood_turned_at_s": "step fusion, else text",
    "missing_reasons": "every step",
    "llm_provider": "step summary, else topic",
    "llm_model": "step summary, else topic",
}
_SOURCE = ("source_uri", "file_name", "source_size_bytes", "source_modified_at", "etag")


@cache
def origins_of_calls() -> Mapping[str, str]:
    """Column of `calls` to what fills it, by the functions that do."""
    found = replace(_empty(FoundCall), metadata=CallMetadata())
    prepared = replace(_empty(PreparedCall), header=_empty(AudioHeader))
    transcript = replace(_empty(Transcript), identity=_empty(EngineIdentity), chunks=())
    origins = dict.fromkeys(found_columns(found), "file name or sidecar")
    origins |= dict.fromkeys(_SOURCE, "the source")
    origins |= dict.fromkeys(prepared_columns(prepared), "decoding")
    origins |= dict.fromkeys(transcript_columns(transcript), "recogniser")
    for step in PAYLOADS:
        origins |= dict.fromkeys(step_columns(step, None), f"step {step}")
    return {**origins, **_CALLS}


def _empty(record: type[Record]) -> Record:
    """With nothing in any field: what counts is which there are."""
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(record))
    return record(**nothing)


def origin(relation: str, column: str, shown: Mapping[str, Any]) -> str:
    """What fills a column.

    Args:
        shown: for a view, column to the columns of the same name in the relations it reads (`columns_behind`).
    """
    if relation == "calls":
        return origins_of_calls().get(column, "the run itself")
    if relation == "chunk_sentiments":
        step = column.partition("_")[0]
        return f"step {step}" if step in PAYLOADS else "the call and its transcript"
    if relation in _TABLES:
        return _TABLES[relation]
    return ", ".join(shown.get(column, ())) or "made by the view"


def columns_behind(connection: Connection[Any], view: str) -> dict[str, list[str]]:
    """Column of a view to the columns of that name that it reads, `table.column` each."""
    rows = connection.execute(
        """SELECT a.attname, source.relname || '.' || a.attname
           FROM pg_rewrite r
           JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.refobjid <> r.ev_class
           JOIN pg_class source ON source.oid = d.refobjid
           JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
           WHERE r.ev_class = %s::regclass GROUP BY 1, 2 ORDER BY 1, 2""",
        [view],
    ).fetchall()
    behind: dict[str, list[str]] = {}
    for name, column in rows:
        behind.setdefault(name, []).append(column)
    return behind
