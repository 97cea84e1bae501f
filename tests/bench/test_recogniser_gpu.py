"""The rows of the bench for a GPU: in a budget of seconds, each measured or said as not measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from bench.recogniser_gpu import READY, ROWS, best_of, measure, segments
from pipeline.errors import ModelUnavailable, StageTimeout


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class PlannedSide:
    """Takes so long for each row; what would go over its limit is killed there."""

    def __init__(self, clock: Clock, rows_s: Mapping[str, float], limit_s: float) -> None:
        self._clock = clock
        self._rows_s = rows_s
        self._ready_within_s = limit_s
        self.closed = False

    def call(self, task: object, timeout_s: float) -> Any:
        takes_s = self._rows_s.get(str(task), 0.0)
        limit_s = self._ready_within_s if task == READY else timeout_s
        self._clock.seconds += min(takes_s, limit_s)
        if takes_s < 0:
            raise ModelUnavailable("no torch here")
        if takes_s > limit_s:
            raise StageTimeout("killed")
        return f"said of {task}", {"rate": [takes_s]}

    def close(self) -> None:
        self.closed = True


def measured(rows: list[tuple[str, str]], budget_s: float, **sides: Mapping[str, float]) -> dict[str, Any]:
    clock, opened = Clock(), list[PlannedSide]()

    def open_side(name: str, limit_s: float) -> PlannedSide:
        opened.append(PlannedSide(clock, sides[name], limit_s))
        return opened[-1]

    found = measure(rows, open_side, budget_s, clock)
    assert all(side.closed for side in opened)
    assert found["seconds"] <= budget_s
    return found


def test_what_does_not_fit_the_budget_is_said_and_what_is_measured_before_it_stays() -> None:
    rows = [("ours", "a"), ("ours", "b"), ("ours", "c"), ("theirs", "a")]
    found = measured(rows, 10.0, ours={"a": 6.0, "b": 5.0}, theirs={})
    assert found["rows"] == {"ours, a": {"rate": [6.0]}}
    assert found["not_measured"] == {
        "ours, b": "killed",
        "ours, c": "the budget was used up before",
        "theirs, a": "the budget was used up before",
    }


def test_a_side_that_is_not_there_leaves_the_time_to_the_others() -> None:
    found = measured([("theirs", "a"), ("ours", "a")], 10.0, ours={"a": 6.0}, theirs={READY: -1.0})
    assert found["not_measured"] == {"theirs, a": "no torch here"}
    assert list(found["rows"]) == ["ours, a"]


def test_a_side_that_takes_too_long_to_be_ready_is_killed_in_time() -> None:
    found = measured([("ours", "a"), ("ours", "b")], 10.0, ours={READY: 60.0})
    assert found["rows"] == {}
    assert found["seconds"] == 10.0


def test_sides_hear_the_same_segments() -> None:
    names = {name for side, name in ROWS if side == "transformers"}
    assert {name for side, name in ROWS if side == "package"} <= names
    assert names <= {name for side, name in ROWS if side == "ours"}
    for one, two in zip(segments("mixed 16"), segments("mixed 16"), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("name", "count", "seconds"), [("equal 64", 64, 512.0), ("mixed 64", 128, 1020.0)])
def test_segments_of_a_row(name: str, count: int, seconds: float) -> None:
    audio = segments(name)
    assert (len(audio), sum(len(samples) for samples in audio) / 16_000) == (count, seconds)


def test_the_best_of_each_setting_is_told_with_todays_among_them() -> None:
    def row(chunks: int, rows: int, *rates: float) -> dict[str, Any]:
        return {"settings": {"encoder chunks": chunks, "prefill rows": rows}, "rate": list(rates)}

    found = {
        "ours, mixed 64": row(64, 64, 5.0, 6.0, 7.0),
        "ours, encoder chunks 8": row(8, 64, 1.0, 6.5, 6.6),
        "ours, encoder chunks 16": row(16, 64, 9.0, 5.0, 5.5),
        "ours, prefill rows 16": row(64, 16, 1.0, 2.0, 3.0),
    }
    assert best_of(found) == {
        "encoder chunks": {"best": 8, "today": 64, "tried": [8, 16, 64]},
        "prefill rows": {"best": 64, "today": 64, "tried": [16, 64]},
    }
    assert best_of({}) == {}
