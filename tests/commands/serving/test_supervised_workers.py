"""A worker that ends is started again; one that is to stop is asked to, and killed after its grace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

import pytest

from commands.serving.supervised_workers import SupervisedWorker, workers_of, working
from pipeline.config.root import Settings
from tests.waiting import PATIENCE_S


class Process:
    """Ends by itself after so many looks, or, where it heeds it, when it is asked to."""

    exitcode = 3

    def __init__(self, looks: int, told: list[str], *, heeds: bool = True) -> None:
        self._looks = looks
        self._told = told
        self._heeds = heeds

    def is_alive(self) -> bool:
        return self._looks > 0

    def join(self, timeout: float | None = None) -> None:
        self._looks -= 1
        self._told.append(f"join {timeout}")

    def terminate(self) -> None:
        self._told.append("terminate")
        if self._heeds:
            self._looks = 0

    def kill(self) -> None:
        self._told.append("kill")
        self._looks = 0


class Stopping(threading.Event):
    """Is set when it was waited for as often as told, and writes down for how long."""

    def __init__(self, waits: int, told: list[str]) -> None:
        super().__init__()
        self._waits = waits
        self._told = told

    def wait(self, timeout: float | None = None) -> bool:
        self._told.append(f"pause {timeout}")
        self._waits -= 1
        if self._waits == 0:
            self.set()
        return self.is_set()


def watched(processes: Sequence[Process], stopping: threading.Event, lives_s: Sequence[float] = ()) -> SupervisedWorker:
    left, times = list(processes), [moment for life_s in lives_s for moment in (0.0, life_s)]
    spawn = cast("Callable[[], BaseProcess]", lambda: left.pop(0))
    return SupervisedWorker("worker 1", spawn, 10.0, stopping, lambda: times.pop(0) if times else 0.0)


def test_it_is_started_again_after_pauses_that_grow_until_it_lives_long(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    lives_s = [0.5, 0.5, 60.0, 0.5, 0.5, 0.5, 0.5, 0.5, 60.5, 0.5]
    worker = watched([Process(0, told) for _ in lives_s], Stopping(len(lives_s), told), lives_s)
    worker.watch()
    pauses_s = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 1.0, 2.0]
    assert told == [f"pause {pause_s}" for pause_s in pauses_s]
    assert [record.message for record in caplog.records] == [
        f"worker 1 ended with 3; it is restarted in {pause_s:.0f} s" for pause_s in pauses_s
    ]


def test_it_is_looked_at_twice_a_second(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    worker = watched([Process(3, told)], Stopping(1, told))
    worker.watch()
    assert told == [*["join 0.5"] * 3, "pause 1.0"]
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("heeds", "expected"),
    [(True, ["terminate", "join 25.0"]), (False, ["terminate", "join 25.0", "kill", "join None"])],
)
def test_one_that_is_to_stop_has_its_grace_and_is_killed_after_it(heeds: bool, expected: list[str]) -> None:
    told: list[str] = []

    class Ending(Process):
        def join(self, timeout: float | None = None) -> None:
            super().join(timeout)
            stopping.set()

    stopping = threading.Event()
    process = Ending(99, told, heeds=heeds)
    worker = watched([process], stopping)
    worker.watch()
    assert told == ["join 0.5", *expected]


def test_it_works_in_a_thread_of_its_own_until_it_is_stopped() -> None:
    told: list[str] = []
    began = threading.Event()

    class Begun(Process):
        def is_alive(self) -> bool:
            began.set()
            return super().is_alive()

    worker = watched([Begun(10**9, told)], threading.Event())
    with working([worker]):
        assert began.wait(PATIENCE_S)
    assert told[-2:] == ["terminate", "join 25.0"]


@pytest.mark.parametrize("workers", [1, 3])
def test_there_are_as_many_as_the_configuration_says(workers: int) -> None:
    settings = Settings.model_validate({"service": {"workers": workers}})
    names = [worker.name for worker in workers_of(Path("config.yaml"), (), settings)]
    assert names == ["worker 1", "worker 2", "worker 3"][:workers]
