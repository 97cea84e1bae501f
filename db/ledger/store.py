"""The ledger of calls in PostgreSQL: what `pipeline.ports.CallStore` asks for.

Every method is one transaction, safe to repeat, and waits for a database that went away (`Database.patiently`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row, kwargs_row, scalar_row

from db.ask import answer, change
from db.connection import Database
from db.ledger import addresses, failures, reading, results, tombstones
from db.ledger.rows import SEGMENT, STEP
from db.ledger.values import clean
from db.ledger.work import claims
from db.ledger.work.runs import Runs
from db.records import adapter, record_row
from pipeline.handled import handled_call, handled_failure, handled_skipped
from pipeline.records import (
    CallFailure,
    CallOutcome,
    Claim,
    FoundCall,
    KnownCall,
    SegmentText,
    SkippedFile,
    StepResult,
    StoredOutcome,
    Transcript,
)

if TYPE_CHECKING:
    from psycopg import Connection

_NOT_ANOTHERS = """NOT EXISTS (
    SELECT 1 FROM runs r WHERE r.run_id = calls.run_id AND r.state = 'running' AND r.run_id <> %(run)s)"""
"""A run under way delivers its calls itself."""
LOOKUP_BATCH = 1000
"""Addresses per round trip."""


class PostgresStore(Runs):
    """`CallStore` on a Database. The database itself is closed by whoever opened it."""

    def __init__(self, database: Database, *, allow_downgrade: bool = False) -> None:
        """`allow_downgrade`: let a later-listed or demonstration engine's rows replace an earlier-listed one's."""
        super().__init__(database)
        self._allow_downgrade = allow_downgrade
        self._with_words = database.settings.store_words

    @property
    def database(self) -> Database:
        return self._database

    # --------------------------------------------------------------------------------------- planning

    def known_calls(self, source_uris: Sequence[str]) -> dict[str, KnownCall]:
        known: dict[str, KnownCall] = {}
        for start in range(0, len(source_uris), LOOKUP_BATCH):
            asked = {clean(uri): uri for uri in source_uris[start : start + LOOKUP_BATCH]}

            def as_asked(source_uri: str, names: Mapping[str, str] = asked, **columns: Any) -> KnownCall:
                return reading.known_call(source_uri=names[source_uri], **columns)

            query = reading.KNOWN_CALL + "WHERE c.source_uri = ANY(%s)"
            known |= {
                call.source_uri: call for call in answer(self._database, query, kwargs_row(as_asked), [list(asked)])
            }
        return known

    def known_by_content(self, audio_sha256: str) -> Sequence[KnownCall]:
        query = reading.KNOWN_CALL + "WHERE c.audio_sha256 = %s ORDER BY c.source_uri"
        return answer(self._database, query, kwargs_row(reading.known_call), [audio_sha256])

    def erased(self, offered: Sequence[FoundCall | SkippedFile]) -> frozenset[str]:
        def work(connection: Connection[Any]) -> frozenset[str]:
            if not tombstones.is_any_erased(connection):
                return frozenset()
            marks = tombstones.marks_of(connection)
            by_mark = {_mark(marks, item): item.source_uri for item in offered}
            return frozenset(by_mark[mark] for mark in tombstones.erased_among(connection, by_mark))

        return self._database.patiently(work)

    def is_erased(self, found: FoundCall, audio_sha256: str) -> bool:
        def work(connection: Connection[Any]) -> bool:
            marks = tombstones.marks_of(connection)
            address, content = _mark(marks, found), marks.of_content(audio_sha256)
            gone = tombstones.erased_among(connection, [address, content])
            if content in gone:
                tombstones.set_marks(connection, [address])
            return bool(gone)

        return self._database.patiently(work)

    def claim_call(self, found: FoundCall, audio_sha256: str, moved_from: str | None) -> str:
        uri, name = clean(found.source_uri), clean(found.file_name)
        return self._database.patiently(lambda c: addresses.claim(c, uri, name, audio_sha256, moved_from))

    def disappeared(self, prefix: str, seen_uris: Iterable[str]) -> Sequence[str]:
        seen = {clean(uri) for uri in seen_uris}
        query = "SELECT source_uri FROM calls WHERE starts_with(source_uri, %s)"
        return sorted(set(answer(self._database, query, scalar_row, [clean(prefix)])) - seen)

    def outcomes(self, source_uris: Sequence[str], run_id: str) -> Mapping[str, StoredOutcome]:
        stored: dict[str, StoredOutcome] = {}
        for start in range(0, len(source_uris), LOOKUP_BATCH):
            asked = {clean(uri): uri for uri in source_uris[start : start + LOOKUP_BATCH]}
            rows = answer(
                self._database,
                """SELECT source_uri, status, run_id IS NOT DISTINCT FROM %s AS by_this_run,
                          error_type IS NOT NULL AS failing
                   FROM calls WHERE source_uri = ANY(%s)""",
                dict_row,
                [uuid.UUID(run_id), list(asked)],
            )
            stored |= {asked[row["source_uri"]]: adapter(StoredOutcome).validate_python(row) for row in rows}
        return stored

    # ------------------------------------------------------------------------------------ transcripts

    def finished_segments(self, transcript_fingerprint: str) -> Sequence[SegmentText]:
        return answer(
            self._database,
            f"""SELECT {SEGMENT.listed} FROM finished_segments
                WHERE transcript_fingerprint = %s ORDER BY channel, ordinal""",  # noqa: S608
            record_row(SegmentText),
            [transcript_fingerprint],
        )

    def save_segments(
        self,
        transcript_fingerprint: str,
        segments: Iterable[SegmentText],
        audio_sha256: str,
        claim: Claim | None = None,
    ) -> None:
        made = list(segments)

        def work(connection: Connection[Any]) -> None:
            tombstones.before_storing(connection)
            results.store_segments(connection, transcript_fingerprint, made, audio_sha256, claim)

        if made:
            self._database.patiently(work, lasting=False)

    def transcript(self, transcript_fingerprint: str) -> Transcript | None:
        return self._database.patiently(lambda connection: reading.transcript(connection, transcript_fingerprint))

    def save_transcript(self, transcript: Transcript, audio_sha256: str, claim: Claim | None = None) -> None:
        def work(connection: Connection[Any]) -> None:
            tombstones.before_storing(connection)
            claims.hold(connection, claim)
            results.store_transcript(connection, transcript, audio_sha256, self._with_words)

        self._database.patiently(work, lasting=False)

    # ---------------------------------------------------------------------------------------- results

    def step_results(self, call_id: str, transcript_fingerprint: str) -> Mapping[str, StepResult]:
        rows = answer(
            self._database,
            f"""SELECT {", ".join(f"s.{name}" for name in STEP.names)} FROM call_steps s JOIN calls c USING (call_id)
                WHERE call_id = %s AND c.transcript_fingerprint = %s""",  # noqa: S608
            kwargs_row(reading.step_result),
            [uuid.UUID(call_id), transcript_fingerprint],
        )
        return {result.step: result for result in rows}

    def save_call(self, outcome: CallOutcome) -> bool:
        """Returns False when a better engine's transcript is there and nothing was changed."""

        audio = outcome.prepared.audio_sha256 if outcome.prepared else None

        def work(connection: Connection[Any]) -> bool:
            _refuse_erased(connection, outcome.found, audio)
            claims.hold(connection, outcome.claim)
            changed = results.store_call(
                connection, outcome, with_words=self._with_words, allow_downgrade=self._allow_downgrade
            )
            claims.end(connection, outcome.claim, handled_call(outcome, changed=changed))
            return changed

        return self._database.patiently(work)

    def save_failure(self, failure: CallFailure, quarantine_after: int) -> bool:
        def work(connection: Connection[Any]) -> bool:
            _refuse_erased(connection, failure.found, None)
            claims.hold(connection, failure.claim)
            quarantined = failures.store_failure(connection, failure, quarantine_after)
            claims.end(connection, failure.claim, handled_failure(failure, quarantined=quarantined))
            return quarantined

        return self._database.patiently(work)

    def save_skipped(self, skipped: Iterable[SkippedFile], run_id: str, claim: Claim | None = None) -> None:
        files = list(skipped)

        def work(connection: Connection[Any]) -> None:
            tombstones.before_storing(connection)
            marks = tombstones.marks_of(connection)
            erased = tombstones.erased_among(connection, [_mark(marks, file) for file in files])
            claims.hold(connection, claim)
            failures.store_skipped(connection, [file for file in files if _mark(marks, file) not in erased], run_id)
            if claim is not None:
                claims.end(connection, claim, handled_skipped(files[0]))

        self._database.patiently(work)

    # --------------------------------------------------------------------------------------- delivery

    def undelivered(self, run_id: str | None = None) -> Sequence[str]:
        return answer(
            self._database,
            f"""SELECT call_id::text FROM calls WHERE delivered_at IS NULL AND status <> 'skipped'
                    AND (%(run)s::uuid IS NULL OR {_NOT_ANOTHERS})
                ORDER BY started_at NULLS LAST, source_uri""",  # noqa: S608
            scalar_row,
            {"run": run_id},
        )

    def mark_delivered(self, call_ids: Sequence[str], run_id: str) -> None:
        change(
            self._database,
            f"""UPDATE calls SET delivered_at = now(), delivered_run_id = %(run)s
                WHERE call_id = ANY(%(ids)s) AND {_NOT_ANOTHERS}""",  # noqa: S608
            {"run": uuid.UUID(run_id), "ids": [uuid.UUID(call_id) for call_id in call_ids]},
        )


def _refuse_erased(connection: Connection[Any], found: FoundCall, audio_sha256: str | None) -> None:
    """Raises CallWithdrawn."""
    tombstones.before_storing(connection)
    marks = tombstones.marks_of(connection)
    tombstones.refuse_erased(connection, _mark(marks, found), audio_sha256, marks)


def _mark(marks: tombstones.Marks, item: FoundCall | SkippedFile) -> str:
    """As the row of the recording would give it."""
    return marks.of_address(clean(item.source_uri), item.size_bytes, item.modified_at, clean(item.etag))
