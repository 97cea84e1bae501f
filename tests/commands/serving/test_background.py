"""What the service does again and again: done while it is open, told when it fails, closed at the end."""

from __future__ import annotations

import threading

import pytest

from commands.serving.background import Task, again_and_again, at_work
from pipeline.errors import EarshotError
from tests.waiting import PATIENCE_S


def failing(error: Exception | None, done: threading.Event) -> None:
    done.set()
    if error is not None:
        raise error


@pytest.mark.parametrize(
    ("error", "told", "untold"),
    [
        (EarshotError("no database"), "looking: no database; again in 2 s", "Traceback"),
        (ValueError("odd"), "ValueError", "looking: odd"),
    ],
)
def test_what_fails_is_told_with_when_it_is_tried_again(
    error: Exception, told: str, untold: str, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    with at_work([Task(name="looking", beat=lambda: failing(error, done), every_s=1.0)]):
        assert done.wait(PATIENCE_S)
    (line,) = [record.message for record in caplog.records]
    assert told in line
    assert line.endswith("; again in 2 s")
    assert untold not in line


@pytest.mark.parametrize(("every_s", "again"), [(0.01, "1 s"), (20.0, "40 s"), (50.0, "60 s")])
def test_pauses_after_an_error_are_twice_as_long_within_a_second_and_a_minute(
    every_s: float, again: str, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    with at_work([Task(name="t", beat=lambda: failing(EarshotError("no"), done), every_s=every_s)]):
        assert done.wait(PATIENCE_S)
    assert [record.message for record in caplog.records] == [f"t: no; again in {again}"]


def test_a_task_is_woken_and_closed_and_a_fault_of_closing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    beats, twice = [0], threading.Event()
    closed: list[str] = []

    def beat() -> None:
        beats[0] += 1
        if beats[0] == 2:
            twice.set()

    def close() -> None:
        closed.append(threading.current_thread().name)
        raise EarshotError("cannot be closed")

    task = Task(name="sending", beat=beat, every_s=3600.0, close=close)
    with at_work([task]):
        while not twice.is_set():
            task.wake.set()
            twice.wait(0.01)
    assert closed == ["sending"]
    assert [record.message for record in caplog.records] == ["sending: cannot be closed"]


class Waits(threading.Event):
    """Writes down what it is waited for, and waits for nothing."""

    def __init__(self, name: str, waits: list[tuple[str, float | None]]) -> None:
        super().__init__()
        self._name = name
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self._waits.append((self._name, timeout))
        return False


def test_pauses_grow_from_error_to_error_and_are_as_before_after_a_success() -> None:
    waits: list[tuple[str, float | None]] = []
    stopping, wake = Waits("stopping", waits), Waits("wake", waits)
    left = [True, False, False, False, True, False, True]

    def beat() -> None:
        assert not wake.is_set()
        wake.set()
        succeeds = left.pop(0)
        if not left:
            stopping.set()
        if not succeeds:
            raise EarshotError("no")

    again_and_again(Task(name="t", beat=beat, every_s=10.0, wake=wake), stopping)
    assert waits == [
        ("wake", 10.0), ("stopping", 20.0), ("stopping", 40.0), ("stopping", 60.0), ("wake", 10.0), ("stopping", 20.0),
        ("wake", 10.0),
    ]  # fmt: skip
