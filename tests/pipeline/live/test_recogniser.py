"""The recogniser that live calls share: killed, gone, restarted, behind."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pipeline.live.recogniser import NOT_RECOGNISED, SharedRecogniser, TurnToHear
from pipeline.run.processes.recogniser_child import SegmentTask, WindowTask
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.transcription.engine import SegmentResult
from tests.pipeline.run.planted import build_recogniser, build_unloadable

PATIENCE_S = 120.0


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "track_0.f32"
    np.zeros(16_000 * 4, dtype="<f4").tofile(path)
    return path


@pytest.fixture
def answers() -> queue.Queue[SegmentResult]:
    return queue.Queue()


@pytest.fixture
def turn(samples: Path, answers: queue.Queue[SegmentResult]) -> Callable[..., TurnToHear]:
    def made(key: str, *, final: bool = True) -> TurnToHear:
        task = SegmentTask(key=key, samples_path=samples, start_s=0.5, end_s=1.5, language=None)
        return TurnToHear(task=WindowTask((task,)), final=final, length_s=1.0, answer=answers.put)

    return made


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedRecogniser]:
    trap = tmp_path / "trap"
    trap.touch()
    one = SharedRecogniser(partial(process, build_recogniser, trap), 4, 1, again_after_s=600.0)
    yield one
    one.close()


def process(build: Callable[..., object], *arguments: object) -> RecogniserProcess:
    return RecogniserProcess(build, arguments, load_timeout_s=60, segment_timeout_s=30)  # type: ignore[arg-type]


def test_turns_are_answered(
    shared: SharedRecogniser, turn: Callable[..., TurnToHear], answers: queue.Queue[SegmentResult]
) -> None:
    for key in ("a", "b", "c"):
        shared.hear(turn(key))
    assert {answers.get(timeout=PATIENCE_S).key for _ in range(3)} == {"a", "b", "c"}
    assert shared.backlog_s == 0.0
    assert shared.identity is not None


def test_killed_in_mid_call_it_is_started_again_and_no_turn_is_lost(
    shared: SharedRecogniser, turn: Callable[..., TurnToHear], answers: queue.Queue[SegmentResult]
) -> None:
    shared.hear(turn("before"))
    answers.get(timeout=PATIENCE_S)
    assert shared.pid is not None
    os.kill(shared.pid, signal.SIGKILL)
    for key in ("one", "two", "three"):
        shared.hear(turn(key))
    found = [answers.get(timeout=PATIENCE_S) for _ in range(3)]
    assert {result.key for result in found} == {"one", "two", "three"}
    assert [result.error for result in found] == [None] * 3


def test_without_any_engine_turns_say_so_at_once(
    turn: Callable[..., TurnToHear], answers: queue.Queue[SegmentResult]
) -> None:
    shared = SharedRecogniser(partial(process, build_unloadable), 4, 1, again_after_s=600.0)
    try:
        for key in ("one", "two"):
            shared.hear(turn(key))
            result = answers.get(timeout=PATIENCE_S)
            assert (result.key, result.text, result.flags) == (key, "", (NOT_RECOGNISED,))
            assert result.error
    finally:
        shared.close()


def test_an_engine_that_comes_back_is_used_again(
    turn: Callable[..., TurnToHear], answers: queue.Queue[SegmentResult], tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.touch()
    processes = iter([process(build_unloadable), *(process(build_recogniser, trap) for _ in range(3))])
    shared = SharedRecogniser(partial(next, processes), 4, 1, again_after_s=0.0)
    try:
        shared.hear(turn("one"))
        assert answers.get(timeout=PATIENCE_S).flags == (NOT_RECOGNISED,)
        shared.hear(turn("two"))
        assert answers.get(timeout=PATIENCE_S).error is None
    finally:
        shared.close()


def test_turns_under_way_are_given_up_while_ended_ones_wait(
    shared: SharedRecogniser, turn: Callable[..., TurnToHear], answers: queue.Queue[SegmentResult]
) -> None:
    for number in range(30):
        shared.hear(turn(f"final {number}"))
        shared.hear(turn(f"partial {number}", final=False))
    keys: list[str] = []
    while sum(key.startswith("final") for key in keys) < 30:
        keys.append(answers.get(timeout=PATIENCE_S).key)
    assert sum(key.startswith("partial") for key in keys) < 10


def test_partial_turns_that_are_not_wanted_any_more_are_not_heard(
    shared: SharedRecogniser, turn: Callable[..., TurnToHear], answers: queue.Queue[SegmentResult]
) -> None:
    shared.hear(turn("call/0/1/2.50", final=False))
    shared.hear(turn("call/0/10/2.50", final=False))
    shared.forget_partials("call/0/1/")
    assert answers.get(timeout=PATIENCE_S).key == "call/0/10/2.50"
    assert answers.empty()
