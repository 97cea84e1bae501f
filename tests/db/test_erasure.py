"""Erasing from the database: whatever belongs to a call goes with it, a mark stays."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.rows import tuple_row

from db.connection import Database
from db.erasure import erasable, erase_rows, erasing, give_back_space, mentioning_runs, names_still_used
from db.ledger.store import PostgresStore
from db.ledger.work.runs import Runs
from pipeline.errors import RunLocked
from pipeline.records import FoundCall, SegmentText, SkippedFile
from tests.db.samples import MOMENT, found, outcome, prepared, transcript

HALF_A_CALL = SegmentText(channel=0, ordinal=0, start_s=0.0, end_s=1.0, text="half a call", language="en")


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.connection() as connection, connection.cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(query.encode()).fetchall()


def stored(store: PostgresStore, run_id: str, name: str, sha: str, fingerprint: str, **extra: str) -> str:
    call = of(name, **extra)
    call_id = store.claim_call(call, sha, None)
    store.save_call(outcome(call_id, run_id, call, audio=prepared(sha), words=transcript(fingerprint)))
    return call_id


def of(name: str, **extra: str) -> FoundCall:
    call = found(name)
    return replace(call, metadata=replace(call.metadata, extra=extra))


def erase(database: Database, *call_ids: str) -> Any:
    chosen = erasable(database, call_ids=[uuid.UUID(one) for one in call_ids])
    return erase_rows(database, chosen, lambda content: content)


def test_every_table_about_calls_loses_its_rows_with_the_call(database: Database) -> None:
    """A table made later must not be forgotten. `call_reads` is meant to stay: it tells who has read an erased call."""
    assert (
        rows(
            database,
            """SELECT c.relname FROM pg_class c
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'call_id' AND NOT a.attisdropped
               WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
                   AND c.relname NOT IN ('calls', 'call_reads') AND NOT EXISTS (
                   SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'
                       AND k.confrelid = 'calls'::regclass AND k.confdeltype = 'c')""",
        )
        == []
    )


def test_a_call_goes_with_all_that_was_made_of_it(store: PostgresStore, database: Database, run_id: str) -> None:
    gone = stored(store, run_id, "a.wav", "aa", "f1")
    stored(store, run_id, "b.wav", "bb", "f2")
    store.save_transcript(transcript("f1 by another model"), "aa")
    store.save_segments("f3", [HALF_A_CALL], "aa")
    store.save_segments("f4", [HALF_A_CALL], "bb")
    done = erase(database, gone)
    assert (done.calls, done.transcripts, done.unfinished_segments) == (1, 2, 1)
    assert rows(database, "SELECT file_name FROM calls") == [("b.wav",)]
    assert rows(database, "SELECT fingerprint FROM transcripts") == [("f2",)]
    assert rows(database, "SELECT DISTINCT transcript_fingerprint FROM transcript_chunks") == [("f2",)]
    for table in ("call_steps", "chunk_sentiments", "rule_matches"):
        assert rows(database, f"SELECT count(*) FROM {table} WHERE call_id = '{gone}'") == [(0,)]
    assert rows(database, "SELECT transcript_fingerprint FROM finished_segments") == [("f4",)], "of another call"
    give_back_space(database)


def test_a_shared_transcript_goes_with_its_last_call(store: PostgresStore, database: Database, run_id: str) -> None:
    first, second = (stored(store, run_id, name, "aa", "f1") for name in ("a.wav", "copy.wav"))
    assert erase(database, first).transcripts == 0
    assert rows(database, "SELECT count(*) FROM chunks") == [(3,)]
    assert not store.is_erased(found("again.wav"), "aa"), "the copy is still wanted"
    assert erase(database, second).transcripts == 1
    assert rows(database, "SELECT count(*) FROM transcript_chunks") == [(0,)]
    assert store.is_erased(found("again.wav"), "aa")


def test_both_calls_of_a_transcript_at_once(store: PostgresStore, database: Database, run_id: str) -> None:
    both = [stored(store, run_id, name, "aa", "f1") for name in ("a.wav", "copy.wav")]
    assert erase(database, *both).transcripts == 1
    assert store.is_erased(found("c.wav"), "aa")


def test_marks_say_nothing_and_are_known_again(store: PostgresStore, database: Database, run_id: str) -> None:
    erase(database, stored(store, run_id, "a.wav", "aa", "f1"))
    (marks,) = zip(*rows(database, "SELECT mark FROM tombstones"), strict=True)
    assert len(marks) == 2
    assert all(len(mark) == 64 and set(mark) <= set("0123456789abcdef") for mark in marks)
    same, changed, other = of("a.wav"), replace(of("a.wav"), size_bytes=7), of("b.wav")
    touched = replace(same, modified_at=MOMENT + timedelta(microseconds=1))
    assert store.erased([same, changed, other, touched]) == {same.source_uri}
    assert store.erased([replace(same, modified_at=MOMENT.astimezone())]) == {same.source_uri}
    assert store.erased([skipped(same)]) == {same.source_uri}
    assert not store.erased([touched])
    assert store.is_erased(touched, "aa"), "the same bytes"
    assert store.erased([touched]) == {touched.source_uri}, "once seen, it is not read again"
    assert not store.is_erased(changed, "new bytes")


def skipped(call: FoundCall) -> SkippedFile:
    return SkippedFile(
        source_uri=call.source_uri, file_name=call.file_name, size_bytes=call.size_bytes, modified_at=call.modified_at,
        reason="not_audio", message="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("customer", "names"),
    [
        ("4711", ["key.wav"]),
        ("+49 30 1234567", ["number.wav"]),
        ("0049301234567", ["number.wav"]),
        ("4712", []),
        ("", []),
        ("%", []),
        ("autumn", ["campaign.wav"]),
    ],
)
def test_the_calls_of_a_customer(
    store: PostgresStore, database: Database, run_id: str, customer: str, names: list[str]
) -> None:
    stored(store, run_id, "key.wav", "a", "f1", customer="4711")
    stored(store, run_id, "number.wav", "b", "f2", other="+4930-123 45 67")
    stored(store, run_id, "campaign.wav", "c", "f3", campaign="autumn")
    assert [one.file_name for one in erasable(database, customer=customer)] == names


def test_calls_before_a_moment_by_the_best_time_known(store: PostgresStore, database: Database, run_id: str) -> None:
    stored(store, run_id, "old.wav", "a", "f1")
    undated = replace(found("undated.wav"), modified_at=MOMENT - timedelta(days=3))
    undated = replace(undated, metadata=replace(undated.metadata, started_at=None))
    store.save_skipped([replace(skipped(undated), source_uri=undated.source_uri)], run_id)
    late = replace(found("late.wav"), modified_at=MOMENT - timedelta(days=9))
    late = replace(late, metadata=replace(late.metadata, started_at=MOMENT + timedelta(days=1)))
    call_id = store.claim_call(late, "l", None)
    store.save_call(outcome(call_id, run_id, late, audio=prepared("l"), words=transcript("f9")))
    before = erasable(database, before=MOMENT + timedelta(hours=1))
    assert [one.file_name for one in before] == ["undated.wav", "old.wav"], "skipped files have names, too"
    assert erasable(database, before=datetime(2000, 1, 1, tzinfo=UTC)) == []


def test_reports_of_runs_lose_the_name(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = stored(store, run_id, "a.wav", "aa", "f1")
    store.end_run(run_id, 0, {"done": 1}, {"slowest": ["a.wav"], "audio_s": 1.5})

    def scrub(content: Any) -> Any:
        return {**content, "report": {**content["report"], "slowest": []}} if content["report"] else content

    assert mentioning_runs(database, scrub) == 1
    chosen = erasable(database, call_ids=[uuid.UUID(call_id)])
    assert erase_rows(database, chosen, scrub).runs == 1
    assert rows(database, "SELECT report, counts FROM runs") == [({"slowest": [], "audio_s": 1.5}, {"done": 1})]


def test_a_name_that_other_calls_have(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = stored(store, run_id, "a.wav", "aa", "f1")
    other = found("a.wav", folder="/elsewhere")
    store.save_call(
        outcome(store.claim_call(other, "bb", None), run_id, other, audio=prepared("bb"), words=transcript("f2"))
    )
    assert names_still_used(database, erasable(database, call_ids=[uuid.UUID(call_id)])) == {"a.wav"}
    assert names_still_used(database, erasable(database, before=MOMENT + timedelta(days=1))) == set()


def test_one_erasure_at_a_time_and_none_beside_a_run_that_has_the_database_alone(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    with pytest.raises(RunLocked, match=f"run {run_id} on testhost"), erasing(database):
        raise AssertionError("the run has the lock")
    store.end_run(run_id, 0, {}, {})
    with erasing(database), pytest.raises(RunLocked, match="another erasure is under way"), erasing(database):
        raise AssertionError("it waits for the first one")


def test_no_erasure_beside_a_delivery(database: Database) -> None:
    runs = Runs(database)
    runs.begin_run({}, "h", "host", ["file:///calls"])
    with runs.delivering(), pytest.raises(RunLocked, match="delivering"), erasing(database):
        raise AssertionError("it would write what is erased")
    with erasing(database):
        runs.close()
