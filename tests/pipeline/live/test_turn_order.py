"""Which turns the shared recogniser hands on, in what order, and what becomes of them when its process restarts."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ModelUnavailable
from pipeline.live.recogniser import SharedRecogniser, TurnToHear
from pipeline.records import EngineIdentity
from pipeline.run.processes.recogniser_child import SegmentTask, WindowTask
from pipeline.transcription.engine import EngineDescription, SegmentResult
from tests.pipeline.run.stages.test_recognise import FIRST, SECOND
from tests.pipeline.transcription.fakes import description
from tests.waiting import until

PATIENCE_S = 60.0


@dataclass
class FakeProcess:
    """Answers one turn at a look; can restart, with another engine or the same, before its first answer."""

    description: EngineDescription = field(default_factory=description)
    identity: EngineIdentity | None = None
    restarts: int = 0
    restarts_as: EngineIdentity | None = None
    may_load: threading.Event = field(default_factory=threading.Event)
    given: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    most: int = 0
    most_partial: int = 0
    """Turns, and partial ones, that it ever had at once."""
    killed: bool = False
    fault: Exception | None = None
    """Why it does not start."""
    starts: int = 0

    @property
    def outstanding(self) -> int:
        return len(self.waiting)

    def start(self) -> tuple[EngineDescription, EngineIdentity]:
        assert self.may_load.wait(PATIENCE_S)
        self.starts += 1
        if self.fault is not None:
            raise self.fault
        self.identity = FIRST
        return self.description, FIRST

    def submit(self, task: WindowTask) -> None:
        self.given.append(task.key)
        self.waiting.append(task.key)
        self.most = max(self.most, len(self.waiting))
        self.most_partial = max(self.most_partial, sum(key.startswith("p") for key in self.waiting))

    def results(self, timeout_s: float) -> list[SegmentResult]:
        if self.restarts_as is not None:
            if self.restarts_as != self.identity:
                self.waiting.clear()
            self.identity, self.restarts_as, self.restarts = self.restarts_as, None, 1
            return []
        return [SegmentResult(key=self.waiting.pop(0), text="", language=None)] if self.waiting else []

    def kill(self) -> None:
        self.killed = True


@dataclass
class Bench:
    process: FakeProcess
    shared: SharedRecogniser
    answers: queue.Queue[str] = field(default_factory=queue.Queue)
    told: list[str] = field(default_factory=list)
    errors: list[str | None] = field(default_factory=list)

    def hear(self, *keys: str) -> None:
        """Partial turns are those whose key begins with a p; each is 2 s long."""
        for key in keys:
            task = SegmentTask(key=key, samples_path=Path("none.f32"), start_s=0.0, end_s=2.0, language=None)
            final = not key.startswith("p")
            answer = self._answered
            self.shared.hear(TurnToHear(task=WindowTask((task,)), final=final, length_s=2.0, answer=answer))

    def _answered(self, result: SegmentResult) -> None:
        self.errors.append(result.error)
        self.answers.put(result.key)

    def answered(self, number: int) -> list[str]:
        return [self.answers.get(timeout=PATIENCE_S) for _ in range(number)]


@pytest.fixture
def bench() -> Iterator[Bench]:
    process, told = FakeProcess(), list[str]()
    planted: Any = process
    shared = SharedRecogniser(lambda: planted, 3, 1, again_after_s=600.0, restarted=told.append)
    yield Bench(process, shared, told=told)
    process.may_load.set()
    shared.close()
    assert process.killed


def test_ended_turns_go_first_and_one_of_those_under_way_at_a_time(bench: Bench) -> None:
    bench.hear("p1", "p2", "p3", "f1", "f2", "f3", "f4", "p4")
    assert bench.shared.backlog_s == 8.0, "turns under way are not waited for"
    bench.process.may_load.set()
    assert bench.answered(7) == ["f1", "f2", "f3", "f4", "p1", "p2", "p3"]
    assert bench.process.given == ["f1", "f2", "f3", "f4", "p1", "p2", "p3"], "p4 came while ended turns waited"
    assert (bench.process.most, bench.process.most_partial) == (3, 1)
    until(lambda: bench.shared.backlog_s == 0.0)
    assert bench.shared.identity == FIRST
    assert bench.told == []


def test_turns_wanted_no_longer_are_dropped_by_their_key(bench: Bench) -> None:
    bench.hear("p/1/a", "p/1/b", "p/10/a")
    bench.shared.forget_partials("p/1/")
    bench.process.may_load.set()
    assert bench.answered(1) == ["p/10/a"]
    assert bench.process.given == ["p/10/a"]


def test_another_engine_hears_ended_turns_again_and_no_others(bench: Bench) -> None:
    bench.process.restarts_as = SECOND
    bench.hear("p1", "f1", "f2")
    bench.process.may_load.set()
    assert bench.answered(2) == ["f1", "f2"]
    assert bench.process.given == ["f1", "f2", "p1", "f1", "f2"]
    assert bench.shared.identity == SECOND
    assert bench.told == ["the recogniser was restarted; turns may come late"]


def test_a_restart_with_the_same_engine_loses_nothing_and_is_told(bench: Bench) -> None:
    bench.process.restarts_as = FIRST
    bench.hear("p1", "f1", "f2")
    bench.process.may_load.set()
    assert bench.answered(3) == ["f1", "f2", "p1"]
    assert bench.process.given == ["f1", "f2", "p1"], "the process itself asks again"
    assert bench.told == ["the recogniser was restarted; turns may come late"]


@pytest.mark.parametrize(("sent_to", "given"), [("", ["p1", "f1"]), ("service.example", ["f1"])])
def test_sound_that_leaves_the_machine_is_not_paid_for_twice(bench: Bench, sent_to: str, given: list[str]) -> None:
    bench.process.description = replace(bench.process.description, sends_audio_to=sent_to)
    bench.process.may_load.set()
    bench.shared.warm()
    until(lambda: bench.shared.identity is not None)
    assert bench.shared.partials_welcome is (not sent_to)
    bench.hear("p1")
    if not sent_to:
        assert bench.answered(1) == ["p1"]
    bench.hear("f1")
    assert bench.answered(1) == ["f1"]
    assert bench.process.given == given


@pytest.mark.parametrize("fault", [ModelUnavailable("no weights"), RuntimeError("no weights")])
def test_without_an_engine_ended_turns_are_answered_and_the_engine_is_not_asked_again_at_once(
    bench: Bench, fault: Exception
) -> None:
    """Later turns are told the same without a new try, until `again_after_s` is over."""
    bench.process.fault = fault
    bench.hear("p1", "f1", "f2")
    bench.process.may_load.set()
    assert bench.answered(2) == ["f1", "f2"]
    bench.hear("f3")
    assert bench.answered(1) == ["f3"]
    assert bench.process.starts == 1
    assert len(bench.errors) == 3
    assert all(error is not None and "no weights" in error for error in bench.errors)
    assert bench.process.given == []
    assert bench.shared.identity is None
