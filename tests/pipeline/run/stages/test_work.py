"""Queues between the stages, tries of one call, and what is recorded of one that failed."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.areas.run import RunSettings
from pipeline.errors import AudioUndecodable, DiskFull, SourceUnreadable, StageTimeout, TransientError, UnforeseenError
from pipeline.run.signals import RunSignals
from pipeline.run.stages.work import URGENT, StageQueue, failure_of, with_retries
from tests.pipeline.run.stages.test_recognise import work


def signals(**settings: Any) -> RunSignals:
    return RunSignals(RunSettings(backoff_initial_s=0.0, backoff_max_s=0.0, **settings))


def test_a_queue_is_finished_when_its_last_writer_is_done_and_nothing_is_left() -> None:
    items: StageQueue[int] = StageQueue(3, signals(), writers=2)
    assert items.put(1)
    items.writer_done()
    assert not items.finished
    items.writer_done()
    assert not items.finished, "one item is left"
    assert items.get() == 1
    assert items.finished
    assert items.get(timeout_s=0.0) is None


def test_only_what_is_there_is_taken_and_no_more_than_asked_for() -> None:
    items: StageQueue[int] = StageQueue(5, signals(), writers=1)
    for number in range(3):
        items.put(number)
    assert items.take_waiting(2) == [0, 1]
    assert items.take_waiting(2) == [2]
    assert items.take_waiting(2) == []


def test_the_highest_priority_comes_out_first_and_what_is_urgent_goes_in_although_it_is_full() -> None:
    stop = signals()
    items: StageQueue[str] = StageQueue(1, stop, writers=1)
    assert items.get(0.0, URGENT) is None
    items.put("ordinary")
    assert items.is_full
    assert items.put("urgent", 1)
    assert items.put("most urgent", 9)
    assert items.take_waiting(9, URGENT) == ["most urgent", "urgent"]
    assert items.get(0.0, URGENT) is None
    assert items.get(0.0) == "ordinary"


def test_a_promised_place_is_nobody_elses() -> None:
    items: StageQueue[int] = StageQueue(2, signals(), writers=1)
    items.put(1)
    assert items.promise()
    assert not items.promise()
    items.withdraw()
    assert items.promise()


def test_a_full_queue_lets_go_of_its_writer_when_the_run_is_abandoned() -> None:
    stop = signals()
    items: StageQueue[int] = StageQueue(1, stop, writers=1)
    assert items.put(1)
    threading.Timer(0.05, stop.abandoned.set).start()
    assert not items.put(2)
    assert items.finished


class Failing:
    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self._errors:
            raise self._errors.pop(0)
        return "done"


def test_passing_trouble_is_tried_again_as_often_as_the_settings_say() -> None:
    notices: list[str] = []
    attempt = Failing(SourceUnreadable("gone"), StageTimeout("late"))
    stop = signals(attempts=3)
    assert with_retries(attempt, stop.settings, stop, notices.append) == "done"
    assert [notice.partition(";")[2].strip()[:10] for notice in notices] == ["try 2 of 3", "try 3 of 3"]
    attempt = Failing(*(TransientError("again") for _ in range(5)))
    with pytest.raises(TransientError, match="again"):
        with_retries(attempt, stop.settings, stop, notices.append)
    assert attempt.tries == 3


def test_what_would_fail_the_same_way_is_not_tried_again() -> None:
    stop, attempt = signals(attempts=3), Failing(AudioUndecodable("noise"))
    with pytest.raises(AudioUndecodable):
        with_retries(attempt, stop.settings, stop, lambda _: None)
    assert attempt.tries == 1


def test_an_abandoned_run_tries_nothing_again() -> None:
    stop, attempt = signals(attempts=3), Failing(SourceUnreadable("gone"))
    stop.abandoned.set()
    with pytest.raises(SourceUnreadable):
        with_retries(attempt, stop.settings, stop, lambda _: None)
    assert attempt.tries == 1


@pytest.mark.parametrize(
    ("error", "error_type", "transient", "traceback"),
    [
        (SourceUnreadable("gone"), "SourceUnreadable", True, None),
        (DiskFull("full"), "DiskFull", True, None),
        (AudioUndecodable("noise"), "AudioUndecodable", False, None),
        (UnforeseenError("KeyError: 'x'", "in line 1"), "KeyError", True, "in line 1"),
    ],
)
def test_a_failure_says_what_it_was_and_whether_another_try_is_worth_it(
    error: Exception, error_type: str, transient: bool, traceback: str | None
) -> None:
    failure = failure_of(work("a.wav"), "prepare", error)
    assert (failure.error_type, failure.transient, failure.traceback) == (error_type, transient, traceback)
    assert (failure.stage, failure.run_id, failure.found.file_name) == ("prepare", "run", "a.wav")
    assert failure.message == str(error)


def test_the_spool_of_a_call_goes_with_it(tmp_path: Path) -> None:
    item = work("a.wav")
    item.spool = tmp_path / "spool"
    item.spool.mkdir()
    (item.spool / "channel_0.f32").write_bytes(b"1234")
    item.drop_spool()
    item.drop_spool()
    assert not item.spool.exists()


@pytest.mark.parametrize(("priority", "urgent"), [(-1, False), (0, False), (1, True), (3, True)])
def test_a_call_with_a_priority_goes_before_what_is_in_hand(priority: int, urgent: bool) -> None:
    call = work("a.wav")
    call = replace(call, claim=replace(call.claim, priority=priority))
    assert (call.priority, call.is_urgent) == (priority, urgent)
