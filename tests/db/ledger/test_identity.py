"""Which call it is: the same recording under another name, another recording under the same."""

from __future__ import annotations

from db.connection import Database
from db.ledger.store import PostgresStore
from tests.db.ledger.test_store import keep, known, one
from tests.db.samples import found, outcome, prepared, transcript


def test_ids_are_stable(store: PostgresStore, run_id: str) -> None:
    call_id = keep(store, run_id)
    assert store.claim_call(found(), "other bytes", None) == call_id
    assert [one.call_id for one in store.known_by_content("aa")] == [call_id]


def test_a_moved_recording_keeps_its_id_and_frees_its_address(store: PostgresStore, run_id: str) -> None:
    call_id = keep(store, run_id)
    moved = found("a.wav", folder="/archive")
    assert store.claim_call(moved, "aa", call_id) == call_id
    assert store.known_calls([found().source_uri]) == {}
    assert known(store, moved).call_id == call_id
    newcomer = store.claim_call(found(), "cc", None)
    assert newcomer != call_id
    assert store.save_call(outcome(newcomer, run_id, audio=prepared("cc"), words=transcript("f3")))
    assert known(store, moved).call_id == call_id
    assert known(store).call_id == newcomer


def test_bytes_moved_to_a_known_address(store: PostgresStore, run_id: str) -> None:
    first = keep(store, run_id, found("a.wav"))
    second = keep(store, run_id, found("b.wav"), audio=prepared("bb"), words=transcript("f2"))
    assert store.claim_call(found("b.wav"), "aa", first) == second


def test_claiming_a_call_writes_nothing(store: PostgresStore, database: Database) -> None:
    assert store.claim_call(found(), "aa", None) == store.claim_call(found(), "aa", None)
    assert one(database, "SELECT count(*) FROM calls") == 0


def test_equal_bytes_under_two_names_share_a_transcript(store: PostgresStore, database: Database, run_id: str) -> None:
    first, second = keep(store, run_id, found("a.wav")), keep(store, run_id, found("b.wav"))
    assert first != second
    assert one(database, "SELECT count(*) FROM transcripts") == 1
    assert one(database, "SELECT count(*) FROM chunks") == 6
    assert len(store.known_by_content("aa")) == 2


def test_disappeared_addresses(store: PostgresStore, run_id: str) -> None:
    for name in ("a.wav", "b_%.wav", "c.wav"):
        keep(store, run_id, found(name))
    keep(store, run_id, found("d.wav", folder="/elsewhere"))
    assert store.disappeared("file:///calls/", [found("a.wav").source_uri]) == [
        "file:///calls/b_%.wav",
        "file:///calls/c.wav",
    ]


def test_many_addresses_at_once(store: PostgresStore, run_id: str) -> None:
    keep(store, run_id)
    asked = [f"file:///calls/{n}.wav" for n in range(2500)]
    assert list(store.known_calls([*asked, found().source_uri])) == [found().source_uri]
