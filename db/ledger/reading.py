"""Rows of the ledger as records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from db.ledger import results
from db.ledger.rows import payload_record, words_record
from pipeline.records import (
    CallStatus,
    EngineIdentity,
    KnownCall,
    Role,
    SegmentText,
    StepResult,
    StepState,
    StoredStep,
    Transcript,
    TranscriptChunk,
)

if TYPE_CHECKING:
    from psycopg import Connection

KNOWN_CALL = """
    SELECT c.source_uri, c.call_id, c.source_size_bytes, c.source_modified_at, c.etag, c.audio_sha256, c.status,
           c.error_transient, c.failed_runs, c.transcript_fingerprint, t.rank, t.engine, t.demonstration, t.model,
           t.revision, t.options_hash, c.duration_s, c.error_type,
           (SELECT array_agg(ARRAY[s.step, s.fingerprint, s.state, s.attempts::text])
            FROM call_steps s WHERE s.call_id = c.call_id)
    FROM calls c LEFT JOIN transcripts t ON t.fingerprint = c.transcript_fingerprint
"""

STATES = {state.value: state for state in StepState}
STATUSES = {status.value: status for status in CallStatus}
"""Looked up: calling an enumeration takes ten times as long, and planning does it a quarter of a million times."""


def known_call(row: tuple[Any, ...]) -> KnownCall:
    steps = {
        step: StoredStep(step=step, fingerprint=fingerprint, state=STATES[state], attempts=int(attempts))
        for step, fingerprint, state, attempts in row[18] or ()
    }
    return KnownCall(
        source_uri=row[0],
        call_id=str(row[1]),
        size_bytes=row[2],
        modified_at=row[3],
        etag=row[4],
        audio_sha256=row[5],
        status=STATUSES[row[6]],
        error_transient=row[7],
        failed_runs=row[8],
        transcript_fingerprint=row[9],
        engine_rank=row[10],
        engine=row[11],
        engine_demonstration=row[12],
        engine_model=row[13],
        engine_revision=row[14],
        engine_options_hash=row[15],
        duration_s=row[16],
        error_type=row[17],
        steps=steps,
    )


def segment(row: tuple[Any, ...]) -> SegmentText:
    channel, ordinal, start_s, end_s, overlap_s, text, language, words, confidence, flags = row
    return SegmentText(
        channel=channel,
        ordinal=ordinal,
        start_s=start_s,
        end_s=end_s,
        overlap_s=overlap_s,
        text=text,
        language=language,
        words=words_record(words),
        confidence=confidence,
        flags=tuple(flags),
    )


def transcript(connection: Connection[Any], fingerprint: str) -> Transcript | None:
    head = connection.execute(
        """SELECT engine, model, revision, options_hash, rank, demonstration, passed_over, language, flags
           FROM transcripts WHERE fingerprint = %s""",
        [fingerprint],
    ).fetchone()
    if head is None:
        return None
    engine, model, revision, options_hash, rank, demonstration, passed_over, language, flags = head
    rows = connection.execute(
        f"""SELECT {results.names(results.CHUNK_FIELDS)} FROM transcript_chunks
            WHERE transcript_fingerprint = %s ORDER BY start_s, channel, ordinal""".encode(),  # noqa: S608
        [fingerprint],
    )
    return Transcript(
        fingerprint=fingerprint,
        identity=EngineIdentity(
            engine=engine,
            model=model,
            revision=revision,
            options_hash=options_hash,
            rank=rank,
            demonstration=demonstration,
            passed_over=tuple(passed_over),
        ),
        language=language,
        chunks=tuple(chunks(rows)),
        flags=tuple(flags),
    )


def chunks(rows: Iterable[tuple[Any, ...]]) -> Iterator[TranscriptChunk]:
    for channel, ordinal, role, start_s, end_s, text, words, confidence, language, flags in rows:
        yield TranscriptChunk(
            channel=channel,
            ordinal=ordinal,
            role=Role(role),
            start_s=start_s,
            end_s=end_s,
            text=text,
            words=words_record(words),
            confidence=confidence,
            language=language,
            flags=tuple(flags),
        )


def step_result(row: tuple[Any, ...]) -> StepResult:
    return StepResult(
        step=row[0],
        fingerprint=row[1],
        state=StepState(row[2]),
        payload=payload_record(row[0], row[3]),
        reason=row[4],
        provider=row[5],
        model=row[6],
        tokens_in=row[7],
        tokens_out=row[8],
        cost_usd=row[9],
        latency_s=row[10],
    )
