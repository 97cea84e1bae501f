"""Writing what a call gave: transcript, segments, the call's row, its steps and chunk sentiments.

Functions here work on a connection in a transaction. Rows go over as one JSON parameter per table.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from db.ledger import live
from db.ledger.rows import (
    ANSWER,
    CHUNK,
    IDENTITY,
    MATCH,
    PAYLOADS,
    SCORE,
    SEGMENT,
    SENTIMENT_STEPS,
    STEP,
    answer_rows,
    chunk_rows,
    chunk_sentiment_rows,
    found_columns,
    match_rows,
    missing_reasons,
    mood_columns,
    prepared_columns,
    reason_keys,
    rows_hash,
    score_rows,
    sentiment_trend,
    step_columns,
    step_row,
    transcript_columns,
)
from db.ledger.values import clean, json_parameter
from db.records import Row, updates
from pipeline.records import (
    ORDERS_FLAG,
    ROLES_UNKNOWN,
    SIDE_OF_CALL,
    UNDECODABLE_TRACK,
    CallOutcome,
    Claim,
    FoundCall,
    Role,
    SegmentText,
    StepResult,
    StepState,
    Transcript,
)

if TYPE_CHECKING:
    from psycopg import Connection

# ------------------------------------------------------------------------------------- transcripts


def store_transcript(connection: Connection[Any], transcript: Transcript, audio_sha256: str, with_words: bool) -> None:
    """Store the transcript with its chunks; an equal one stays as it is. Finished segments are dropped."""
    chunks = chunk_rows(transcript, with_words=with_words)
    head = clean(
        {
            **IDENTITY.row(transcript.identity),
            "language": transcript.language,
            "language_probability": transcript.language_probability,
            "flags": list(transcript.flags),
            "chunks_hash": rows_hash(chunks),
        }
    )
    # Two workers may have made the transcript of the same audio: the second waits, and sees what the first stored.
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [transcript.fingerprint])
    stored = connection.execute(
        f"SELECT {', '.join(head)} FROM transcripts WHERE fingerprint = %s FOR UPDATE",  # noqa: S608
        [transcript.fingerprint],
    ).fetchone()
    connection.execute("DELETE FROM finished_segments WHERE transcript_fingerprint = %s", [transcript.fingerprint])
    if stored == tuple(head.values()):
        return
    connection.execute(
        f"""INSERT INTO transcripts (fingerprint, audio_sha256, {", ".join(head)})
            VALUES (%s, %s, {", ".join(["%s"] * len(head))})
            ON CONFLICT (fingerprint) DO UPDATE SET {updates([*head])}""",  # noqa: S608
        [transcript.fingerprint, audio_sha256, *head.values()],
    )
    if stored is not None:
        # Its passages and their vectors are of the words that go.
        for table in ("transcript_chunks", "indexed_transcripts"):
            connection.execute(f"DELETE FROM {table} WHERE transcript_fingerprint = %s", [transcript.fingerprint])  # noqa: S608
    if chunks:
        connection.execute(
            f"""INSERT INTO transcript_chunks (transcript_fingerprint, {CHUNK.listed})
                SELECT %s, {CHUNK.listed} FROM json_populate_recordset(NULL::transcript_chunks, %s)""",  # noqa: S608
            [transcript.fingerprint, json_parameter(chunks)],
        )


def store_segments(
    connection: Connection[Any],
    fingerprint: str,
    segments: Sequence[SegmentText],
    audio_sha256: str,
    claim: Claim | None,
) -> None:
    """Store finished segments, each replacing an earlier one in its place; none where the claim is gone."""
    listed = ", ".join(f"s.{name}" for name in SEGMENT.names)
    claim_id = claim.claim_id if claim is not None else None
    connection.execute(
        f"""INSERT INTO finished_segments (transcript_fingerprint, audio_sha256, source_uri, {SEGMENT.listed})
            SELECT %s, %s, c.source_uri, {listed}
            FROM json_populate_recordset(NULL::finished_segments, %s) s LEFT JOIN claims c ON c.claim_id = %s
            WHERE %s::bigint IS NULL OR c.claim_id IS NOT NULL
            ON CONFLICT (transcript_fingerprint, channel, ordinal) DO UPDATE SET
                {updates(["audio_sha256", "source_uri", *SEGMENT.names])}""".encode(),  # noqa: S608
        [fingerprint, audio_sha256, json_parameter([SEGMENT.row(segment) for segment in segments]), claim_id, claim_id],
    )


# -------------------------------------------------------------------------------------------- calls


def store_call(connection: Connection[Any], outcome: CallOutcome, *, with_words: bool, allow_downgrade: bool) -> bool:
    """Store the outcome. Returns False, and leaves the call as it is, when it has a better engine's transcript."""
    call_id = uuid.UUID(outcome.call_id)
    kept = [result for result in outcome.steps if result.kept]
    outcome = replace(outcome, steps=tuple(result for result in outcome.steps if not result.kept))
    before = _current(connection, call_id)
    transcript = outcome.transcript
    audio = outcome.prepared.audio_sha256 if outcome.prepared else before.get("audio_sha256")
    if transcript is not None:
        store_transcript(connection, transcript, audio or "", with_words)
        if not allow_downgrade and _worse(transcript, audio, before):
            return False
    current = transcript.fingerprint if transcript is not None else before.get("transcript_fingerprint")
    replaced = current != before.get("transcript_fingerprint")
    before["missing_reasons"] = (before.get("missing_reasons") or {}) | {step.step: clean(step.reason) for step in kept}
    _store_row(connection, call_id, outcome, before, replaced)
    _take_in_other_sides(connection, call_id, outcome.found)
    live.replace(connection, call_id, clean(outcome.found.file_name))
    for step in kept:
        connection.execute(
            "UPDATE call_steps SET reason = %s WHERE call_id = %s AND step = %s",
            [clean(step.reason), call_id, step.step],
        )
    _store_steps(connection, call_id, outcome, replaced)
    _store_matches(connection, call_id, outcome.steps, replaced)
    if current is not None:
        _store_sentiments(connection, call_id, current, outcome.steps, replaced)
    return True


def _take_in_other_sides(connection: Connection[Any], call_id: uuid.UUID, found: FoundCall) -> None:
    """The other file of a call may have been a call of its own: its row no longer counts, and stays readable."""
    others = [clean(file.source_uri) for file in found.files[1:]]
    if others:
        connection.execute(
            """UPDATE calls SET status = 'skipped', error_type = %s, error_message = %s, error_stage = NULL,
                   error_transient = false, error_traceback = NULL, failed_runs = 0
               WHERE source_uri = ANY(%s) AND call_id <> %s AND error_type IS DISTINCT FROM %s""",
            [
                SIDE_OF_CALL,
                clean(f"the other side of {found.file_name}, call {call_id}"),
                others,
                call_id,
                SIDE_OF_CALL,
            ],
        )


def _current(connection: Connection[Any], call_id: uuid.UUID) -> Row:
    """What is stored about a call, locked; empty for a new one."""
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            """SELECT c.audio_sha256, c.transcript_fingerprint, c.missing_reasons, c.sentiment_trends, c.flags,
                      c.llm_provider, c.llm_model, t.rank, t.demonstration
               FROM calls c LEFT JOIN transcripts t ON t.fingerprint = c.transcript_fingerprint
               WHERE c.call_id = %s FOR UPDATE OF c""",
            [call_id],
        )
        return cursor.fetchone() or {}


def _worse(transcript: Transcript, audio_sha256: str | None, before: Row) -> bool:
    """Whether a fallback's transcript would replace a better one of the same audio."""
    if before.get("rank") is None or before["transcript_fingerprint"] == transcript.fingerprint:
        return False
    if before["audio_sha256"] != audio_sha256:
        return False  # the better transcript belongs to bytes that are no longer there
    identity = transcript.identity
    return (identity.demonstration, identity.rank) > (before["demonstration"], before["rank"])


def _store_row(
    connection: Connection[Any], call_id: uuid.UUID, outcome: CallOutcome, before: Row, replaced: bool
) -> None:
    ran = {result.step for result in outcome.steps}
    emptied = set(PAYLOADS) - ran if replaced else set()
    row: Row = {
        **found_columns(outcome.found),
        "status": outcome.status.value,
        "run_id": uuid.UUID(outcome.run_id),
        "error_type": None,
        "error_message": None,
        "error_stage": None,
        "error_transient": None,
        "error_traceback": None,
        "failed_runs": 0,
        "delivered_at": None,
        "delivered_run_id": None,
    }
    if outcome.timings_s:
        row["timings_s"] = dict(outcome.timings_s)
    flags = set(outcome.prepared.flags) if outcome.prepared else set(before.get("flags", ()))
    if outcome.prepared is not None:
        row |= prepared_columns(outcome.prepared)
    if outcome.transcript is not None:
        row |= transcript_columns(outcome.transcript)
        row["language"] = outcome.transcript.language or outcome.found.metadata.language
        flags |= set(outcome.transcript.flags)
        if any(chunk.role is not Role.UNKNOWN for chunk in outcome.transcript.chunks):
            flags.discard(ROLES_UNKNOWN)  # the channels did not tell, but the words did
    read = {result.step: getattr(result.payload, "flags", ()) for result in outcome.steps} | dict.fromkeys(emptied, ())
    if {"topic", "summary"} <= read.keys():
        flags.discard(ORDERS_FLAG)
    flags |= {ORDERS_FLAG for step in ("topic", "summary") if ORDERS_FLAG in read.get(step, ())}
    row["flags"] = sorted(flags)
    for step in sorted(emptied):
        row |= step_columns(step, None)
    for result in outcome.steps:
        row |= step_columns(result.step, result.payload if result.state is StepState.DONE else None)
    row |= _merged(outcome.steps, emptied, before)
    if outcome.prepared is not None:
        row["missing_reasons"].pop(UNDECODABLE_TRACK, None)
        row["missing_reasons"] |= {k: clean(why) for k, why in outcome.prepared.notes.items() if k == UNDECODABLE_TRACK}
    if outcome.transcript is not None:
        row["missing_reasons"].pop("language", None)
        if row["language"] is None:
            row["missing_reasons"]["language"] = _why_no_language(outcome.transcript)
    _upsert_call(connection, call_id, row)


def _why_no_language(transcript: Transcript) -> str:
    if transcript.language_probability is not None:
        return (
            f"the likeliest one has a probability of {transcript.language_probability:.2f}, which is too little; "
            "transcription.languages names those to choose from"
        )
    return "the recogniser names none" if any(chunk.text for chunk in transcript.chunks) else "no words"


def _merged(steps: Iterable[StepResult], emptied: Iterable[str], before: Row) -> Row:
    """Columns that several steps share: those of other steps stay."""
    reasons: dict[str, str] = dict(before.get("missing_reasons") or {})
    trends: dict[str, Any] = dict(before.get("sentiment_trends") or {})
    row: Row = {}
    for step in emptied:
        trends.pop(step, None)
        for key in reason_keys(step):
            reasons.pop(key, None)
    for result in steps:
        for key in reason_keys(result.step):
            reasons.pop(key, None)
        reasons |= missing_reasons(result)
        if result.step in SENTIMENT_STEPS:
            trends.pop(result.step, None)
            if result.state is StepState.DONE and result.payload is not None:
                trends[result.step] = sentiment_trend(result.payload)  # type: ignore[arg-type]
    row["missing_reasons"], row["sentiment_trends"] = reasons, trends
    ran: Mapping[str, StepResult] = {result.step: result for result in steps}
    mood = next((ran[step] for step in ("fusion", "text") if step in ran and ran[step].payload is not None), None)
    if mood is not None:
        row |= mood_columns(mood.payload)
    source = next((ran[step] for step in ("summary", "topic") if step in ran and ran[step].provider), None)
    if source is not None:
        row["llm_provider"], row["llm_model"] = clean(source.provider), clean(source.model)
    elif {"summary", "topic"} <= set(emptied):
        row["llm_provider"] = row["llm_model"] = None
    return row


def _upsert_call(connection: Connection[Any], call_id: uuid.UUID, row: Row) -> None:
    connection.execute(_upsert_statement(tuple(row)), [json_parameter({"call_id": call_id, **row})])


@functools.cache
def _upsert_statement(columns: tuple[str, ...]) -> bytes:
    """One JSON object as a row of `calls`: a single parameter, because a hundred take longer to send than to store."""
    listed = ", ".join(columns)
    return f"""INSERT INTO calls (call_id, processed_at, {listed})
        SELECT call_id, now(), {listed} FROM json_populate_record(NULL::calls, %s)
        ON CONFLICT (call_id) DO UPDATE SET processed_at = now(), {updates(columns)}""".encode()  # noqa: S608


# ----------------------------------------------------------------------------- steps and sentiments


def _store_steps(connection: Connection[Any], call_id: uuid.UUID, outcome: CallOutcome, replaced: bool) -> None:
    if replaced:
        ran = [result.step for result in outcome.steps]
        connection.execute("DELETE FROM call_steps WHERE call_id = %s AND step <> ALL (%s)", [call_id, ran])
    if not outcome.steps:
        return
    connection.execute(
        f"""INSERT INTO call_steps (call_id, run_id, attempts, {STEP.listed})
            SELECT %s, %s, 1, {STEP.listed} FROM json_populate_recordset(NULL::call_steps, %s)
            ON CONFLICT (call_id, step) DO UPDATE SET
                attempts = CASE WHEN call_steps.fingerprint <> EXCLUDED.fingerprint THEN 1
                                ELSE call_steps.attempts + 1 END,
                run_id = EXCLUDED.run_id, updated_at = now(), {updates(STEP.names)}""",  # noqa: S608
        [call_id, uuid.UUID(outcome.run_id), json_parameter([step_row(result) for result in outcome.steps])],
    )


def _store_matches(
    connection: Connection[Any], call_id: uuid.UUID, steps: Sequence[StepResult], replaced: bool
) -> None:
    """Rules that hold and scorecards, of the step run now; without it they stay unless the transcript was replaced."""
    ran = next((result for result in steps if result.step == "rules"), None)
    if ran is None and not replaced:
        return
    payload = ran.payload if ran is not None else None
    for table, columns, rows in (
        ("rule_matches", MATCH.listed, match_rows(payload)),
        ("scorecard_results", SCORE.listed, score_rows(payload)),
        ("scorecard_answers", f"scorecard, place, {ANSWER.listed}", answer_rows(payload)),
    ):
        connection.execute(f"DELETE FROM {table} WHERE call_id = %s".encode(), [call_id])  # noqa: S608
        if rows:
            connection.execute(
                f"""INSERT INTO {table} (call_id, {columns})
                    SELECT %s, {columns} FROM json_populate_recordset(NULL::{table}, %s)""".encode(),  # noqa: S608
                [call_id, json_parameter(rows)],
            )


def _store_sentiments(
    connection: Connection[Any], call_id: uuid.UUID, fingerprint: str, steps: Sequence[StepResult], replaced: bool
) -> None:
    """Chunk sentiments of the steps run now; those of other steps stay unless the transcript was replaced."""
    ran = [result.step for result in steps if result.step in SENTIMENT_STEPS]
    if not ran and not replaced:
        return
    columns = [f"{step}_{part}" for step in ran for part in ("negative", "neutral", "positive", "reason")]
    if replaced or len(ran) == len(SENTIMENT_STEPS):
        connection.execute("DELETE FROM chunk_sentiments WHERE call_id = %s", [call_id])
    else:
        emptied = ", ".join(f"{name} = NULL" for name in columns)
        connection.execute(f"UPDATE chunk_sentiments SET {emptied} WHERE call_id = %s", [call_id])  # noqa: S608
    rows = chunk_sentiment_rows(steps)
    if rows:
        listed = ", ".join(columns)
        connection.execute(
            f"""INSERT INTO chunk_sentiments (call_id, transcript_fingerprint, channel, ordinal, {listed})
                SELECT %s, %s, channel, ordinal, {listed} FROM json_populate_recordset(NULL::chunk_sentiments, %s)
                ON CONFLICT (call_id, channel, ordinal) DO UPDATE SET
                    {updates(["transcript_fingerprint", *columns])}""",  # noqa: S608
            [call_id, fingerprint, json_parameter(rows)],
        )
