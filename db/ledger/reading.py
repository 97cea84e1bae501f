"""Rows of the ledger as records."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from db.ledger.rows import CHUNK, IDENTITY, payload_record
from db.records import adapter, record_row
from pipeline.records import (
    CallStatus,
    EngineIdentity,
    KnownCall,
    StepResult,
    StepState,
    StoredStep,
    Transcript,
    TranscriptChunk,
)

if TYPE_CHECKING:
    from psycopg import Connection

KNOWN_CALL = """
    SELECT c.source_uri, c.call_id::text, c.source_size_bytes AS size_bytes, c.source_modified_at AS modified_at,
           c.etag, c.audio_sha256, c.status, c.error_transient, c.failed_runs, c.error_type, c.transcript_fingerprint,
           c.duration_s, t.rank AS engine_rank, t.engine, t.demonstration AS engine_demonstration,
           t.model AS engine_model, t.revision AS engine_revision, t.options_hash AS engine_options_hash,
           (SELECT array_agg(ARRAY[s.step, s.fingerprint, s.state, s.attempts::text])
            FROM call_steps s WHERE s.call_id = c.call_id) AS steps
    FROM calls c LEFT JOIN transcripts t ON t.fingerprint = c.transcript_fingerprint
"""

STATES = {state.value: state for state in StepState}
STATUSES = {status.value: status for status in CallStatus}
"""Looked up: calling an enumeration takes ten times as long, and planning does it a quarter of a million times."""

EPOCH = datetime.fromtimestamp(0, UTC)


def known_call(
    *, status: str, modified_at: datetime | None, steps: Sequence[tuple[str, str, str, str]] | None, **same: Any
) -> KnownCall:
    """From the columns of KNOWN_CALL, by hand: planning reads every call of the source."""
    return KnownCall(
        status=STATUSES[status],
        modified_at=modified_at or EPOCH,
        steps={
            step: StoredStep(step, fingerprint, STATES[state], int(attempts))
            for step, fingerprint, state, attempts in steps or ()
        },
        **same,
    )


def transcript(connection: Connection[Any], fingerprint: str) -> Transcript | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        head = cursor.execute(
            f"""SELECT {IDENTITY.listed}, language, language_probability, flags
                FROM transcripts WHERE fingerprint = %s""".encode(),  # noqa: S608
            [fingerprint],
        ).fetchone()
    if head is None:
        return None
    with connection.cursor(row_factory=record_row(TranscriptChunk)) as cursor_of_chunks:
        chunks = cursor_of_chunks.execute(
            f"""SELECT {CHUNK.listed} FROM transcript_chunks
                WHERE transcript_fingerprint = %s ORDER BY start_s, channel, ordinal""".encode(),  # noqa: S608
            [fingerprint],
        ).fetchall()
    return Transcript(
        fingerprint=fingerprint,
        identity=adapter(EngineIdentity).validate_python(head),
        language=head["language"],
        language_probability=head["language_probability"],
        chunks=tuple(chunks),
        flags=tuple(head["flags"]),
    )


def step_result(**columns: Any) -> StepResult:
    payload = payload_record(columns["step"], columns["payload"])
    result: StepResult = adapter(StepResult).validate_python({**columns, "payload": None})
    return dataclasses.replace(result, payload=payload)
