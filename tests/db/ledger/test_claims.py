"""Claims: leases that end, the order of work, and fences that keep out what is stored too late."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from db.connection import Database
from db.ledger.claims import PostgresClaims
from db.ledger.store import PostgresStore
from pipeline.errors import ClaimLost
from pipeline.handled import Handled, HandledAs
from pipeline.records import CallFailure, Claim, SkippedFile
from tests.db.samples import MOMENT, found, outcome

CALLS = {f"file:///calls/{name}": json.dumps({"name": name}) for name in ("a.wav", "b.wav", "c.wav")}


def worker(database: Database, name: str, lease_s: float = 60) -> PostgresClaims:
    return PostgresClaims(database, name, "hash", lease_s)


def end_leases(database: Database) -> None:
    with database.connection() as connection:
        connection.execute("UPDATE claims SET lease_until = now() - interval '1 second' WHERE worker IS NOT NULL")


def rows(database: Database) -> list[tuple[object, ...]]:
    with database.connection() as connection:
        return connection.execute("SELECT source_uri, status, run_id::text, transcription FROM calls").fetchall()


def names(claims: object) -> list[str]:
    return [claim.call["name"] for claim in claims]  # type: ignore[attr-defined]


def test_calls_are_claimed_in_the_order_asked_for_and_urgent_ones_first(database: Database, run_id: str) -> None:
    one = worker(database, "one")
    assert one.enqueue(run_id, CALLS) == set()
    assert one.enqueue(run_id, {"file:///calls/now.wav": json.dumps({"name": "now.wav"})}, priority=1) == set()
    assert names(one.claim(run_id, 2)) == ["now.wav", "a.wav"]
    assert names(worker(database, "two").claim(run_id, 9)) == ["b.wav", "c.wav"]
    assert names(one.claim(run_id, 9)) == []
    assert one.left(run_id) == 4
    assert len(one.held()) == 2


def test_workers_that_ask_at_once_never_get_the_same_call(database: Database, run_id: str) -> None:
    worker(database, "planner").enqueue(
        run_id, {f"file:///calls/{n}.wav": json.dumps({"name": str(n)}) for n in range(100)}
    )
    got: list[str] = []

    def work(name: str) -> None:
        one = worker(database, name)
        while claims := one.claim(run_id, 3):
            got.extend(names(claims))

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(got, key=int) == [str(number) for number in range(100)]


def test_a_call_is_free_again_when_its_lease_ends_and_not_before(database: Database, run_id: str) -> None:
    dead, living = worker(database, "dead"), worker(database, "living")
    dead.enqueue(run_id, CALLS)
    first = dead.claim(run_id, 3)
    assert living.claim(run_id, 3) == []
    end_leases(database)
    dead.renew([first[0].fence])
    second = living.claim(run_id, 3)
    assert names(second) == ["b.wav", "c.wav"], "the first was renewed"
    assert min(claim.fence for claim in second) > max(claim.fence for claim in first)
    dead.renew([claim.fence for claim in first])
    assert len(living.held()) == 2, "what another has is not renewed"


def test_calls_given_back_are_free_at_once(database: Database, run_id: str) -> None:
    one, two = worker(database, "one"), worker(database, "two")
    one.enqueue(run_id, CALLS)
    claims = one.claim(run_id, 2)
    one.give_back([claims[0].fence])
    assert names(two.claim(run_id, 9)) == ["a.wav", "c.wav"]


def a_failure(claim: Claim) -> CallFailure:
    return CallFailure(
        found=found(), run_id=claim.run_id, stage="decode", error_type="E", message="m", transient=True, claim=claim
    )


def a_skipped_file() -> SkippedFile:
    return SkippedFile(
        source_uri=found().source_uri, file_name="a.wav", size_bytes=1, modified_at=MOMENT, reason="too_short",
        message="0.1 s",
    )  # fmt: skip


WRITES: dict[str, Callable[[PostgresStore, PostgresClaims, Claim, str], object]] = {
    "a result": lambda store, _, claim, call_id: store.save_call(replace(outcome(call_id, claim.run_id), claim=claim)),
    "a failure": lambda store, _, claim, __: store.save_failure(a_failure(claim), 3),
    "what cannot be used": lambda store, _, claim, __: store.save_skipped([a_skipped_file()], claim.run_id, claim),
    "nothing": lambda _, claims, claim, __: claims.end(claim, Handled(handled_as=HandledAs.KEPT)),
}


@pytest.mark.parametrize("kind", WRITES)
@pytest.mark.parametrize("before", ["another has it", "another has stored it", "its run has ended"])
def test_a_late_worker_stores_nothing(
    database: Database, store: PostgresStore, run_id: str, kind: str, before: str
) -> None:
    late, other = worker(database, "late"), worker(database, "other")
    late.enqueue(run_id, {found().source_uri: "{}"})
    (old,) = late.claim(run_id, 1)
    call_id = store.claim_call(found(), "aa", None)
    end_leases(database)
    if before == "its run has ended":
        store.end_run(run_id, 130, {}, {})
    else:
        (new,) = other.claim(run_id, 1)
        if before == "another has stored it":
            store.save_call(replace(outcome(call_id, run_id), claim=new))
    stored = rows(database)
    with pytest.raises(ClaimLost):
        WRITES[kind](store, late, old, call_id)
    assert rows(database) == stored


@pytest.mark.parametrize("kind", WRITES)
def test_every_end_takes_the_call_out_of_the_queue_and_may_be_repeated(
    database: Database, store: PostgresStore, run_id: str, kind: str
) -> None:
    """A transaction is repeated when the answer to its COMMIT was lost."""
    one = worker(database, "one")
    one.enqueue(run_id, {found().source_uri: "{}"})
    (claim,) = one.claim(run_id, 1)
    call_id = store.claim_call(found(), "aa", None)
    WRITES[kind](store, one, claim, call_id)
    stored = rows(database)
    assert one.left(run_id) == 0
    WRITES[kind](store, one, claim, call_id)
    assert rows(database) == stored
    assert one.claim(run_id, 1) == []


def test_the_calls_of_another_run_are_left_to_it(database: Database, store: PostgresStore, run_id: str) -> None:
    one, uris = worker(database, "one"), list(CALLS)
    one.enqueue(run_id, CALLS)
    (done, *_) = one.claim(run_id, 1)
    one.end(done, Handled(handled_as=HandledAs.LOST))
    with database.connection() as connection:
        row = connection.execute(
            """INSERT INTO runs (run_id, host, configuration_hash, configuration)
               VALUES (gen_random_uuid(), 'h', 'h', '{}') RETURNING run_id::text"""
        ).fetchone()
    assert row is not None
    assert one.enqueue(row[0], CALLS) == {uris[1], uris[2]}
    assert one.left(row[0]) == 1


def test_a_dead_runs_calls_go_with_the_next_run(database: Database, store: PostgresStore, run_id: str) -> None:
    one = worker(database, "one")
    one.enqueue(run_id, CALLS)
    later = store.begin_run({}, "h", "here")
    assert one.left(run_id) == 0
    assert one.enqueue(later, CALLS) == set()
    store.end_run(later, 0, {}, {})
    assert one.left(later) == 0


def test_names_that_are_no_text_come_back_as_they_were(database: Database, run_id: str) -> None:
    odd = {"name": "\udcff\udc80 \x00 é \U0001f600"}
    one = worker(database, "one")
    assert one.enqueue(run_id, {"file:///calls/\udcff\udc80.wav": json.dumps(odd)}) == set()
    (claim,) = one.claim(run_id, 1)
    assert claim.call == odd
