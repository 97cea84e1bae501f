"""Claims: leases that end, the order of work, and fences that keep out what is stored too late."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from db.connection import Database
from db.ledger.store import PostgresStore
from db.ledger.work.claims import PostgresClaims, worker_name
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
        thread.join()
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
    other = another_run(database)
    assert one.enqueue(other, CALLS) == {uris[1], uris[2]}
    assert one.left(other) == 1


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


# ------------------------------------------------------------------------------------- several workers


def another_run(database: Database) -> str:
    with database.connection() as connection:
        row = connection.execute(
            """INSERT INTO runs (run_id, host, configuration_hash, configuration)
               VALUES (gen_random_uuid(), 'h', 'h', '{}') RETURNING run_id::text"""
        ).fetchone()
    assert row is not None
    return str(row[0])


def test_a_worker_takes_the_calls_of_every_run_with_its_settings(database: Database, run_id: str) -> None:
    ours, other = worker(database, "ours"), PostgresClaims(database, "other", "other settings", 60)
    ours.enqueue(run_id, dict(list(CALLS.items())[:1]))
    ours.enqueue(another_run(database), dict(list(CALLS.items())[1:]))
    assert (ours.left(None), other.left(None)) == (3, 0)
    assert other.claim(None, 9) == []
    claims = ours.claim(None, 9)
    assert names(claims) == ["a.wav", "b.wav", "c.wav"]
    assert len({claim.run_id for claim in claims}) == 2


def test_what_a_dead_process_of_this_machine_has_is_free_at_once(database: Database, run_id: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = worker(database, f"{socket.gethostname()}-{process.pid}-mark")
    elsewhere = worker(database, f"elsewhere-{process.pid}-mark")
    living, asking = worker(database, worker_name()), worker(database, f"{socket.gethostname()}-{os.getpid()}-asks")
    dead.enqueue(run_id, CALLS)
    for one in (dead, elsewhere, living):
        one.claim(run_id, 1)
    asking.free_of_the_dead()
    assert names(asking.claim(run_id, 9)) == ["a.wav"]


def test_attempts_count_what_was_not_given_back(database: Database, run_id: str) -> None:
    one = worker(database, "one")
    one.enqueue(run_id, dict(list(CALLS.items())[:1]))
    (claim,) = one.claim(run_id, 1)
    one.give_back([claim.fence])
    attempts = []
    for number in range(3):
        (claim,) = worker(database, f"dies {number}").claim(run_id, 1)
        attempts.append(claim.attempts)
        end_leases(database)
    assert attempts == [1, 2, 3]


def test_calls_that_nobody_has_begun_are_withdrawn(database: Database, run_id: str) -> None:
    one = worker(database, "one")
    one.enqueue(run_id, CALLS)
    one.claim(run_id, 1)
    one.withdraw(run_id)
    assert (one.left(run_id), one.claim(run_id, 9)) == (1, [])


@pytest.mark.parametrize("kind", WRITES)
def test_the_planning_run_learns_what_another_worker_made_of_a_call(
    database: Database, store: PostgresStore, run_id: str, kind: str
) -> None:
    planner, helper = worker(database, "planner"), worker(database, "helper")
    planner.enqueue(run_id, {found().source_uri: '{"found": 1}'})
    (claim,) = helper.claim(run_id, 1)
    call_id = store.claim_call(found(), "aa", None)
    assert planner.ended_elsewhere(run_id, None) == []
    WRITES[kind](store, helper, claim, call_id)
    (ended,) = planner.ended_elsewhere(run_id, None)
    assert (ended.claim_id, ended.call) == (claim.claim_id, {"found": 1})
    assert ended.handled.handled_as == {
        "a result": HandledAs.DONE, "a failure": HandledAs.FAILED, "what cannot be used": HandledAs.SKIPPED,
        "nothing": HandledAs.KEPT,
    }[kind]  # fmt: skip
    if kind == "a failure":
        assert ended.handled.failure == replace(a_failure(claim), claim=None)
    if kind == "what cannot be used":
        assert ended.handled.skipped == a_skipped_file()
    if kind == "a result":
        assert ended.handled.audio_s > 0
    assert [one.claim_id for one in planner.ended_elsewhere(run_id, ended.done_at)] == [claim.claim_id]
    assert planner.ended_elsewhere(run_id, ended.done_at + timedelta(minutes=2)) == []
    assert helper.ended_elsewhere(run_id, None) == [], "its own"
