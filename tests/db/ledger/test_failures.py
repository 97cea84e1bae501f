"""Failed, quarantined and skipped calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from db.connection import Database
from db.export.streaming import chosen_call_ids
from db.ledger.store import PostgresStore
from db.queries.calls import status_counts
from db.queries.chosen import CallFilter
from pipeline.config.areas.run import Reprocess
from pipeline.records import CallFailure, CallStatus, FoundCall, SkippedFile
from pipeline.run.planning.decisions import decide
from pipeline.run.planning.plan import Action
from pipeline.run.planning.recipes import Recipe
from tests.db.samples import MOMENT, found, outcome


def failure(run_id: str, call: FoundCall | None = None, **changes: Any) -> CallFailure:
    made = CallFailure(
        found=call or found(),
        run_id=run_id,
        stage="decode",
        error_type="AudioUndecodable",
        message="no decoder makes sense of it",
        transient=False,
    )
    return replace(made, **changes)


def skipped(name: str = "s.wav", **changes: Any) -> SkippedFile:
    made = SkippedFile(
        source_uri=f"file:///calls/{name}",
        file_name=name,
        size_bytes=0,
        modified_at=MOMENT,
        reason="empty",
        message="the file is empty",
    )
    return replace(made, **changes)


@pytest.fixture
def runs(store: PostgresStore) -> list[str]:
    """Four runs, one after the other; the last is under way."""
    made = []
    for _ in range(3):
        made.append(store.begin_run({}, "h", "host"))
        store.end_run(made[-1], 0, {}, {})
    return [*made, store.begin_run({}, "h", "host")]


def status(store: PostgresStore, call: FoundCall | None = None) -> tuple[CallStatus, int, bool | None]:
    uri = (call or found()).source_uri
    known = store.known_calls([uri])[uri]
    return known.status, known.failed_runs, known.error_transient


def test_failures_in_a_row_end_in_quarantine(store: PostgresStore, runs: list[str]) -> None:
    for number, run_id in enumerate(runs[:3], start=1):
        assert store.save_failure(failure(run_id), quarantine_after=3) is (number == 3)
        assert status(store) == (CallStatus.QUARANTINED if number == 3 else CallStatus.FAILED, number, False)


def test_a_run_counts_once(store: PostgresStore, runs: list[str]) -> None:
    for _ in range(5):
        assert not store.save_failure(failure(runs[0], transient=True), quarantine_after=2)
    assert status(store) == (CallStatus.FAILED, 1, True)


def test_never_quarantined_when_switched_off(store: PostgresStore, runs: list[str]) -> None:
    for run_id in runs:
        assert not store.save_failure(failure(run_id), quarantine_after=0)


def test_a_success_in_between_starts_anew(store: PostgresStore, runs: list[str]) -> None:
    store.save_failure(failure(runs[0]), quarantine_after=3)
    call_id = store.claim_call(found(), "aa", None)
    assert store.known_calls([found().source_uri])[found().source_uri].call_id == call_id
    assert store.save_call(outcome(call_id, runs[1]))
    assert status(store) == (CallStatus.DONE, 0, None)
    store.save_failure(failure(runs[2]), quarantine_after=3)
    assert status(store) == (CallStatus.DONE, 1, False)


def test_results_that_are_there_stay(store: PostgresStore, database: Database, runs: list[str]) -> None:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, runs[0]))
    changed = found(size=5)
    store.save_failure(failure(runs[1], changed), quarantine_after=9)
    with database.connection() as connection:
        row = connection.execute(
            "SELECT status, summary IS NOT NULL, error_type, source_size_bytes FROM calls"
        ).fetchone()
    assert row == ("done", True, "AudioUndecodable", 1000), "the changed file would never be tried again"


def test_what_commands_list(store: PostgresStore, database: Database, runs: list[str]) -> None:
    store.save_failure(failure(runs[0]), quarantine_after=1)
    store.save_failure(failure(runs[1], found("b.wav"), stage="transcribe", error_type="StageTimeout"), 9)
    store.save_skipped([skipped()], runs[1])
    assert status_counts(database) == {"failed": 1, "quarantined": 1, "skipped": 1}
    assert status_counts(database, runs[0]) == {"quarantined": 1}
    with chosen_call_ids(database, CallFilter(), "UTC") as exported:
        assert len(list(exported)) == 2


def test_failures_are_delivered_with_their_error(store: PostgresStore, runs: list[str]) -> None:
    store.save_failure(failure(runs[0]), quarantine_after=3)
    (call_id,) = store.undelivered()
    store.mark_delivered([call_id], runs[0])
    assert not store.undelivered()
    store.save_failure(failure(runs[1]), quarantine_after=3)
    assert store.undelivered()


# ---------------------------------------------------------------------------------------------- skipped


def test_skipped_files_are_kept_with_the_reason(store: PostgresStore, database: Database, runs: list[str]) -> None:
    store.save_skipped([skipped(), skipped("w.wav", waiting=True), skipped("n.txt", modified_at=None)], runs[0])
    with database.connection() as connection:
        kept = connection.execute(
            "SELECT file_name, status, error_type, error_message FROM calls ORDER BY 1"
        ).fetchall()
    assert kept == [
        ("n.txt", "skipped", "empty", "the file is empty"),
        ("s.wav", "skipped", "empty", "the file is empty"),
    ]
    assert not store.undelivered()


def test_a_skipped_recordings_etag_is_stored_so_that_it_does_not_look_changed(
    store: PostgresStore, database: Database, runs: list[str]
) -> None:
    """Every skipped zip member and object was fetched and examined again, night after night."""
    call = replace(found("s.wav"), etag="crc32:1", size_bytes=0)
    for run_id, etag in ((runs[0], None), (runs[1], "crc32:1"), (runs[2], "crc32:1"), (runs[3], "crc32:2")):
        with database.connection() as connection:
            before = connection.execute("SELECT xmin::text FROM calls").fetchone()
        store.save_skipped([skipped(etag=etag, reason="not_audio")], run_id)
        known = store.known_calls([call.source_uri])[call.source_uri]
        assert known.etag == etag
        action = decide(call, known, Reprocess.NONE, Recipe(engines=("x",), first=None)).action
        assert action is (Action.SKIPPED if etag == call.etag else Action.CHANGED)
        with database.connection() as connection:
            written = connection.execute("SELECT xmin::text FROM calls").fetchone() != before
        assert written is (run_id != runs[2])


def test_skipping_again_writes_nothing(store: PostgresStore, database: Database, runs: list[str]) -> None:
    for run_id, reason, moved in ((runs[0], "empty", True), (runs[1], "empty", False), (runs[2], "not_audio", True)):
        with database.connection() as connection:
            before = connection.execute("SELECT xmin::text FROM calls").fetchone()
        store.save_skipped([skipped(reason=reason)], run_id)
        with database.connection() as connection:
            assert (connection.execute("SELECT xmin::text FROM calls").fetchone() != before) is moved


def test_a_skipped_file_that_had_results_keeps_them(store: PostgresStore, runs: list[str]) -> None:
    store.save_call(outcome(store.claim_call(found(), "aa", None), runs[0]))
    store.save_skipped([skipped("a.wav")], runs[1])
    assert status(store)[0] is CallStatus.DONE


def test_a_skipped_file_becomes_a_call(store: PostgresStore, runs: list[str]) -> None:
    store.save_skipped([skipped("a.wav")], runs[0])
    store.save_call(outcome(store.claim_call(found(), "aa", None), runs[1]))
    assert status(store) == (CallStatus.DONE, 0, None)
