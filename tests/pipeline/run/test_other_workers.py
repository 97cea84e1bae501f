"""What other workers made of a run's calls is counted once, whenever it is looked at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from pipeline.config.areas.run import RunSettings
from pipeline.handled import EndedClaim, Handled, HandledAs
from pipeline.ports import Claims
from pipeline.records import CallStatus, FoundCall, SkippedFile
from pipeline.run.other_workers import Elsewhere
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.plan import Action, PlannedCall
from pipeline.run.signals import RunSignals
from pipeline.run.tally import Tally

NOON = datetime(2026, 9, 14, 12, tzinfo=UTC)
EMPTY = SkippedFile(
    source_uri="file:///2.wav", file_name="2.wav", size_bytes=0, modified_at=NOON, reason="empty", message="empty"
)


class Queue:
    """Stands for the claims of a run."""

    def __init__(self) -> None:
        self.ended: list[EndedClaim] = []
        self.asked_since: list[datetime | None] = []
        self.withdrawn: list[str] = []
        self.remaining: list[int] = []

    def ended_elsewhere(self, run_id: str, since: datetime | None) -> Sequence[EndedClaim]:
        assert run_id == "run-1"
        self.asked_since.append(since)
        return [claim for claim in self.ended if since is None or claim.done_at >= since]

    def withdraw(self, run_id: str) -> int:
        self.withdrawn.append(run_id)
        return 0

    def left(self, run_id: str | None) -> int:
        assert run_id == "run-1"
        return self.remaining.pop(0)


class Shown:
    def __init__(self) -> None:
        self.finished: list[tuple[str, CallStatus, str]] = []

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None:
        self.finished.append((found.file_name, status, detail))

    def notice(self, message: str) -> None: ...


def ended(number: int, minutes: int, **handled: Any) -> EndedClaim:
    found = FoundCall(source_uri=f"file:///{number}.wav", file_name=f"{number}.wav", size_bytes=1, modified_at=NOON)
    call = json.loads(as_json(PlannedCall(found=found, action=Action.NEW)))
    return EndedClaim(claim_id=number, call=call, handled=Handled(**handled), done_at=NOON + timedelta(minutes=minutes))


def watching(queue: Queue) -> tuple[Elsewhere, Tally, Shown]:
    tally, shown = Tally(), Shown()
    return Elsewhere(cast("Claims", queue), "run-1", tally, shown), tally, shown


def test_each_call_is_counted_once_and_looked_for_from_the_last_one_on() -> None:
    queue = Queue()
    elsewhere, tally, shown = watching(queue)
    queue.ended = [
        ended(1, 1, handled_as=HandledAs.DONE, status=CallStatus.DONE, detail="mono", audio_s=60.0, transcribed_by="a"),
        ended(2, 2, handled_as=HandledAs.SKIPPED, status=CallStatus.SKIPPED, skipped=EMPTY),
    ]
    elsewhere.look()
    queue.ended.append(ended(3, 2, handled_as=HandledAs.DONE, status=CallStatus.DONE, audio_s=30.0))
    elsewhere.look()
    elsewhere.look(at_all=True)
    assert queue.asked_since == [None, NOON + timedelta(minutes=2), None]
    assert shown.finished == [("1.wav", CallStatus.DONE, "mono"), ("3.wav", CallStatus.DONE, "")]
    assert (tally.done, tally.skipped, tally.recognised_s) == (2, 1, 90.0)


def test_what_was_lost_or_kept_shows_no_status() -> None:
    queue = Queue()
    elsewhere, tally, shown = watching(queue)
    queue.ended = [ended(1, 1, handled_as=HandledAs.LOST), ended(2, 1, handled_as=HandledAs.KEPT)]
    elsewhere.look()
    assert shown.finished == []
    assert tally.done == 0


@pytest.mark.parametrize(("remaining", "beats"), [([0], 0), ([2, 1, 0], 2)])
def test_after_a_stop_those_under_way_elsewhere_are_waited_for(remaining: list[int], beats: int) -> None:
    queue = Queue()
    queue.remaining = list(remaining)
    elsewhere, _, _ = watching(queue)
    counted: list[int] = []
    elsewhere.wait(RunSignals(RunSettings()), lambda: counted.append(1), pause_s=0.0)
    assert queue.withdrawn == ["run-1"]
    assert len(counted) == beats
    assert queue.remaining == []


def test_the_wait_ends_with_the_grace() -> None:
    queue = Queue()
    queue.remaining = [1] * 3
    signals = RunSignals(RunSettings(stop_grace_s=0.0))
    signals.stop("a signal")
    elsewhere, _, _ = watching(queue)
    elsewhere.wait(signals, lambda: None, pause_s=0.0)
    assert signals.abandoned.is_set()
