"""What a worker claims ahead, so that none is idle while another has calls that it has not begun."""

from __future__ import annotations

import json
from collections import deque

import pytest

from db.connection import Database
from db.ledger.work.claims import PostgresClaims
from pipeline.config.areas.run import RunSettings
from pipeline.handled import Handled, HandledAs
from pipeline.presence import WorkerReport
from pipeline.records import Claim
from pipeline.run.desk import Desk

AHEAD = 40
"""Calls that a worker would take although it has begun none of them."""


class Hand:
    """A worker that takes as many calls as it gets, up to `AHEAD`, and ends one of them each time it works."""

    def __init__(self, database: Database, name: str, run_id: str) -> None:
        self.claims = PostgresClaims(database, name, "hash", 60)
        self.desk = Desk(self.claims, run_id, RunSettings(decode_workers=2))
        self.has: deque[Claim] = deque()
        self.idle = 0
        self.did = 0

    def there(self, *, leaving: bool = False) -> Hand:
        self.claims.present(WorkerReport(), leaving=leaving)
        return self

    def take(self) -> int:
        while len(self.has) < AHEAD and (claim := self.desk.next()) is not None:
            self.has.append(claim)
        return len(self.has)

    def work(self) -> None:
        if not self.has:
            self.idle += 1
            return
        claim = self.has.popleft()
        self.claims.end(claim, Handled(handled_as=HandledAs.DONE))
        self.desk.settle(claim)
        self.did += 1


def plan(database: Database, run_id: str, number: int) -> None:
    planner = PostgresClaims(database, "planner", "hash", 60)
    planner.enqueue(run_id, {f"file:///calls/{n}.wav": json.dumps({"name": str(n)}) for n in range(number)})


@pytest.mark.parametrize("slower", [1, 3])
@pytest.mark.parametrize("head_start", [0, 30])
def test_two_workers_end_together(database: Database, run_id: str, slower: int, head_start: int) -> None:
    """One that had claimed forty short calls worked on them for minutes, while another had none."""
    plan(database, run_id, 100)
    first, second = (Hand(database, name, run_id).there() for name in ("first", "second"))
    round_number = 0
    while first.claims.left(run_id):
        first.take()
        if round_number >= head_start:
            second.take()
            second.work()
        if round_number % slower == 0:
            first.work()
        round_number += 1
    assert first.did + second.did == 100
    assert (first.idle, second.idle <= slower) == (0, True), "a call cannot be divided"


def test_a_worker_by_itself_takes_what_it_can_hold(database: Database, run_id: str) -> None:
    plan(database, run_id, 50)
    alone = Hand(database, "alone", run_id).there()
    assert alone.take() == AHEAD


def test_whoever_left_or_fell_silent_or_does_other_work_is_given_nothing(database: Database, run_id: str) -> None:
    plan(database, run_id, 50)
    alone = Hand(database, "alone", run_id).there()
    Hand(database, "gone", run_id).there().there(leaving=True)
    PostgresClaims(database, "other settings", "another hash", 60).present(WorkerReport())
    Hand(database, "silent", run_id).there()
    with database.connection() as connection:
        connection.execute("UPDATE workers SET heartbeat_at = now() - interval '1 minute' WHERE worker = 'silent'")
    assert alone.take() == AHEAD


def test_one_that_has_its_share_claims_again_when_it_has_less(database: Database, run_id: str) -> None:
    plan(database, run_id, 12)
    first = Hand(database, "first", run_id).there()
    Hand(database, "second", run_id).there()
    assert first.take() == 3, "half of twelve are divided"
    first.work()
    assert first.take() == 3, "of eleven"


def test_what_is_urgent_is_no_share(database: Database, run_id: str) -> None:
    plan(database, run_id, 4)
    worker = PostgresClaims(database, "first", "hash", 60)
    Hand(database, "second", run_id).there()
    worker.enqueue(run_id, {"file:///calls/now.wav": json.dumps({"name": "now"})}, priority=1)
    assert len(worker.claim(run_id, 1, 1)) == 1
