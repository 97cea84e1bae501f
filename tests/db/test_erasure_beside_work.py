"""Erasures while workers have calls: nothing that is made of an erased call is stored afterwards."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from psycopg.rows import tuple_row

from db.connection import Database
from db.erasure import erasable, erase_rows, in_reports, refuse_in_reports, take_back, withdraw
from db.jobs.store import PostgresJobs
from db.ledger.store import PostgresStore
from db.ledger.work.claims import PostgresClaims
from db.ledger.work.intake import JOBS
from db.ledger.work.runs import Runs
from pipeline.errors import CallWithdrawn, RunLocked
from pipeline.records import CallFailure, Claim, FoundCall, SegmentText, SkippedFile
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.plan import Action, PlannedCall
from tests.db.samples import found, outcome, prepared, transcript
from tests.waiting import until

HALF_A_CALL = SegmentText(channel=0, ordinal=0, start_s=0.0, end_s=1.0, text="half a call", language="en")


class Work:
    """A worker with one claimed call, of a customer, in a run of the service."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = PostgresStore(database)
        self.runs = Runs(database)
        self.run_id = self.runs.begin_run({}, "h", "host", [f"{JOBS}file:///calls"])
        self.claims = PostgresClaims(database, "one", "hash", 60)
        call = found("a.wav")
        self.call = replace(call, metadata=replace(call.metadata, extra={"customer": "C-77"}))
        self.claim = self.claim_of(self.call)

    def claim_of(self, call: FoundCall) -> Claim:
        planned = PlannedCall(found=call, action=Action.NEW)
        self.claims.enqueue(self.run_id, {call.source_uri: as_json(planned)})
        (claim,) = self.claims.claim(self.run_id, 1)
        return claim

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(query.encode()).fetchall()

    def save(self) -> None:
        made = outcome(self.store.claim_call(self.call, "aa", None), self.run_id, self.call, words=transcript("f1"))
        self.store.save_call(replace(made, claim=self.claim))

    def erase(self, customer: str = "C-77") -> None:
        chosen = erasable(self.database, customer=customer)
        withdraw(self.database, chosen)
        erase_rows(self.database, chosen, lambda content: content)


@pytest.fixture
def work(database: Database) -> Work:
    return Work(database)


def skipped(call: FoundCall) -> SkippedFile:
    return SkippedFile(
        source_uri=call.source_uri, file_name=call.file_name, size_bytes=call.size_bytes, modified_at=call.modified_at,
        reason="not_audio", message="",
    )  # fmt: skip


STORING: dict[str, Callable[[Work], object]] = {
    "call": Work.save,
    "transcript": lambda work: work.store.save_transcript(transcript("f1"), "aa", work.claim),
    "failure": lambda work: work.store.save_failure(
        CallFailure(
            found=work.call, run_id=work.run_id, stage="prepare", error_type="X", message="", transient=False,
            traceback="", claim=work.claim,
        ),
        3,
    ),
    "skipped": lambda work: work.store.save_skipped([skipped(work.call)], work.run_id, work.claim),
}  # fmt: skip


@pytest.mark.parametrize("what", STORING)
def test_a_late_worker_stores_nothing_of_an_erased_call(work: Work, what: str) -> None:
    work.erase()
    with pytest.raises(CallWithdrawn, match="called off or erased"):
        STORING[what](work)
    for table in ("calls", "transcripts", "claims"):
        assert work.rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_segments_of_an_erased_call_are_not_stored_and_those_stored_are_gone(work: Work) -> None:
    work.store.save_segments("f1", [HALF_A_CALL], "aa", work.claim)
    assert work.rows("SELECT source_uri, audio_sha256 FROM finished_segments") == [(work.call.source_uri, "aa")]
    work.erase()
    work.store.save_segments("f1", [HALF_A_CALL], "aa", work.claim)
    assert work.rows("SELECT count(*) FROM finished_segments") == [(0,)]


def test_a_call_under_way_without_a_row_is_chosen_by_its_customer(work: Work) -> None:
    (chosen,) = erasable(work.database, customer="C-77")
    assert chosen.source_uri == work.call.source_uri
    assert chosen.call_id == work.store.claim_call(work.call, "aa", None), "the id it would have had"
    assert erasable(work.database, customer="C-78") == []
    work.erase()
    assert work.store.erased([work.call]) == {work.call.source_uri}
    assert work.store.is_erased(work.call, "bytes that nobody had hashed"), "a planner that had not seen the mark"


def test_another_call_under_way_is_stored_as_ever(work: Work) -> None:
    work.save()
    other = found("b.wav")
    claim = work.claim_of(other)
    work.erase()
    made = outcome(work.store.claim_call(other, "bb", None), work.run_id, other, audio=prepared("bb"))
    assert work.store.save_call(replace(made, claim=claim))
    assert work.rows("SELECT file_name FROM calls") == [("b.wav",)]


def test_a_copy_of_erased_bytes_ends_its_claim_without_a_row(work: Work) -> None:
    """Its claim is not that of the erased call: only its bytes tell."""
    work.save()
    copy = found("copy.wav")
    claim = work.claim_of(copy)
    work.erase()
    made = outcome(work.store.claim_call(copy, "aa", None), work.run_id, copy, audio=prepared("aa"))
    with pytest.raises(CallWithdrawn):
        work.store.save_call(replace(made, claim=claim))


def test_a_call_that_is_just_being_stored_is_waited_for_and_goes(work: Work) -> None:
    """Without the order of locks the row would come after the deletion."""
    chosen = erasable(work.database, customer="C-77")
    with work.database.connection() as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('earshot erasure of rows', 0))")
        erasing = threading.Thread(target=erase_rows, args=(work.database, chosen, lambda content: content))
        erasing.start()
        until(lambda: work.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
        connection.execute(
            """INSERT INTO calls (call_id, source_uri, file_name, source_size_bytes, status)
               VALUES (%s, %s, 'a.wav', 1, 'done')""",
            [uuid.UUID(chosen[0].call_id), work.call.source_uri],
        )
    erasing.join()
    assert work.rows("SELECT count(*) FROM calls") == [(0,)]


@pytest.mark.parametrize(
    ("inputs", "address", "named"),
    [
        (("file:///calls",), "file:///calls/a.wav", True),
        (("file:///calls",), "file:///calls2/a.wav", False),
        (("file:///calls/a.wav",), "file:///calls/a.wav", True),
        (("file:///in",), "zip:///in/x.zip!/a.wav", True),
        (("file:///in/x.zip",), "zip:///in/x.zip!/a.wav", True),
        (("s3://bucket/in", "file:///b"), "s3://bucket/in/a.wav", True),
        ((f"{JOBS}file:///calls",), "file:///calls/a.wav", False),
    ],
)
def test_a_run_names_what_is_among_its_input(
    database: Database, inputs: tuple[str, ...], address: str, named: bool
) -> None:
    runs = Runs(database)
    run_id = runs.begin_run({}, "h", "host", inputs)
    store = PostgresStore(database)
    call = replace(found("a.wav"), source_uri=address)
    call_id = store.claim_call(call, "aa", None)
    store.save_call(outcome(call_id, run_id, call))
    chosen = erasable(database, call_ids=[uuid.UUID(call_id)])
    assert set(in_reports(database, chosen)) == ({call_id} if named else set())
    assert in_reports(database, chosen, but_of=run_id) == {}
    if named:
        with pytest.raises(RunLocked, match=f"run {run_id} on host, since .* among its input"):
            refuse_in_reports(database, chosen)
    runs.end_run(run_id, 0, {}, {})
    assert in_reports(database, chosen) == {}
    runs.close()


def test_a_refused_erasure_leaves_no_mark_but_those_of_an_earlier_one(work: Work) -> None:
    chosen = erasable(work.database, customer="C-77")
    new = withdraw(work.database, chosen)
    assert withdraw(work.database, chosen) == set(), "they were set before"
    take_back(work.database, new)
    assert work.rows("SELECT count(*) FROM tombstones") == [(0,)]


def test_a_job_that_nobody_has_planned_goes_with_its_customer(work: Work) -> None:
    work.rows(
        """INSERT INTO jobs (job_id, state, submitted_by, request_hash, file_name, source_uri, size_bytes, metadata,
               recording_sha256, accepted_at)
           VALUES (gen_random_uuid(), 'accepted', 'ann', '', 'b.wav', 'file:///calls/b.wav', 1,
               '{"customer": "C-77"}', 'bb', now()) RETURNING 1"""
    )
    work.erase()
    assert work.rows("SELECT count(*) FROM jobs") == [(0,)]
    assert work.store.is_erased(found("b.wav"), "bb")
    assert PostgresJobs(work.database).to_plan(5) == []
    assert json.dumps(work.rows("SELECT mark FROM tombstones")).count("b.wav") == 0
