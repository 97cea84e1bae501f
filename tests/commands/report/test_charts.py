"""Each chart as it is drawn: every place in it follows from the values and from the sizes of the drawing."""

from __future__ import annotations

import pytest

from commands.report.charts import (
    Axis,
    Line,
    bars_chart,
    lanes_chart,
    line_chart,
    linear,
    logarithmic,
    nice,
    number,
    scatter_chart,
    seconds_axis,
)
from tests.pinned import assert_pinned

CHARTS = {
    "lines.svg": line_chart(
        "calls <over> time",
        [0.0, 100.0, 400.0],
        [Line("a", "recognise", [0.0, 5.0, 12.0]), Line("limit", "muted", [3.0, 3.0, 3.0], dashed=True)],
        "calls & more",
    ),
    "steps.svg": line_chart(
        "waiting", [0.0, 60.0, 120.0], [Line("a", "store", [1.0, 4.0, 2.0])], "calls waiting", steps=True
    ),
    "lanes.svg": lanes_chart(
        "stages", 60.0, [Line("prep<", "prepare", [2.0, 0.0, 4.04]), Line("idle", "store", []),
                         Line("store", "store", [0.5, 1.0])],
    ),
    "dots.svg": scatter_chart("work", [(1.0, 0.02), (7.0, 0.5)], "minutes", "s of work"),
    "bars.svg": bars_chart(
        "slowest", [("first & one", [("good", 30.0), ("bad", 12.0)]), ("x" * 30 + "y" * 27, [("bad", 0.0)]),
                    ("z" * 56, [("good", 7.5)])], "seconds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_drawn_as_before(name: str) -> None:
    assert_pinned(name, CHARTS[name])


@pytest.mark.parametrize(
    ("values", "low", "high", "ticks"),
    [
        ([], 0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([0.0], 0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([5.0], 0.0, 5.0, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
        ([11.0, 3.0], 0.0, 15.0, [0.0, 5.0, 10.0, 15.0]),
        ([4.0], 3.0, 4.0, [3.0, 3.2, 3.4, 3.6, 3.8, 4.0]),
        ([2.0], 3.0, 4.0, [3.0, 3.2, 3.4, 3.6, 3.8, 4.0]),
    ],
)
def test_an_axis_ends_at_a_round_number(values: list[float], low: float, high: float, ticks: list[float]) -> None:
    axis = linear("x", values, low)
    assert (axis.label, axis.log) == ("x", False)
    assert (axis.low, axis.high) == pytest.approx((low, high))
    assert axis.ticks() == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("values", "low", "high", "ticks"),
    [
        ([0.02, 0.5], 0.01, 1.0, [0.01, 0.1, 1.0]),
        ([0.1, 10.0], 0.1, 10.0, [0.1, 1.0, 10.0]),
        ([1.0], 1.0, 10.0, [1.0, 10.0]),
        ([3.0], 1.0, 10.0, [1.0, 10.0]),
    ],
)
def test_a_logarithmic_axis_has_whole_decades(values: list[float], low: float, high: float, ticks: list[float]) -> None:
    axis = logarithmic("y", values)
    assert (axis.label, axis.log) == ("y", True)
    assert (axis.low, axis.high) == pytest.approx((low, high))
    assert axis.ticks() == pytest.approx(ticks)
    assert [axis.share(value) for value in (low, (low * high) ** 0.5, high)] == pytest.approx([0.0, 0.5, 1.0])


def test_a_share_is_counted_from_the_low_end() -> None:
    assert [Axis("x", 2.0, 6.0).share(value) for value in (2.0, 3.0, 6.0)] == [0.0, 0.25, 1.0]


@pytest.mark.parametrize(
    ("rough", "step"), [(0.0, 1.0), (-3.0, 1.0), (2.001, 2.0), (2.1, 5.0), (5.1, 10.0), (9.999, 10.0), (0.25, 0.5)]
)
def test_a_step_is_nice(rough: float, step: float) -> None:
    assert nice(rough) == pytest.approx(step)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.25, "0.25"), (9999.0, "9999"), (10_000, "10k"), (-12_500, "-12.5k"), (0.30000000000000004, "0.3")],
)
def test_a_tick_is_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("end_s", "label", "unit_s"),
    [(180, "seconds", 1), (181, "minutes", 60), (7200, "minutes", 60), (7201, "hours", 3600)],
)
def test_time_is_shown_in_a_unit_that_fits(end_s: float, label: str, unit_s: float) -> None:
    assert seconds_axis(end_s) == (f"{label} since the run began", unit_s)
