"""A worker started beside the run that plans for it waits for the first call, and no longer than it is told to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.config.areas.run import RunSettings
from pipeline.run.joined_worker import JoinedWorker
from pipeline.run.signals import RunSignals


@pytest.mark.parametrize(
    ("lefts", "within_s", "stopped", "first", "looks"),
    [
        ([3], 9.0, False, 3, 1),
        ([0, 2], 9.0, False, 2, 2),
        ([0], 0.0, False, 0, 1),
        ([0], 0.5, True, 0, 1),
    ],
)
def test_the_first_call(lefts: list[int], within_s: float, stopped: bool, first: int, looks: int) -> None:
    asked: list[None] = []

    def left(run_id: None) -> int:
        asked.append(run_id)
        return lefts[min(len(asked), len(lefts)) - 1]

    worker: Any = object.__new__(JoinedWorker)
    worker.signals = RunSignals(RunSettings())
    worker._parts = SimpleNamespace(claims=SimpleNamespace(left=left))
    if stopped:
        worker.signals.stopping.set()
    assert (worker._first(within_s), len(asked)) == (first, looks)
