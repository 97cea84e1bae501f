"""Pictures made of figures: where each column, dot and line stands, and that words in them stay words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from pages.svg.charts import (
    COLUMN_HEIGHT,
    COLUMN_WIDTH,
    LEAST_COLUMNS,
    RATES_EDGE,
    RATES_WIDTH,
    SPARK_HEIGHT,
    Column,
    RatePoint,
    columns,
    interval_bar,
    rates,
    spark,
)


def numbers(html: str, tag: str, *names: str) -> list[tuple[float, ...]]:
    """The attributes of each element of this kind."""
    found = []
    for element in re.findall(rf"<{tag}[^>]*>", html):
        values = [re.search(rf'\b{name}="(-?[\d.]+)"', element) for name in names]
        if all(values):
            found.append(tuple(float(value[1]) for value in values if value))
    return found


def column(*parts: float) -> Column:
    return Column(
        parts=tuple((f"p{place}", part) for place, part in enumerate(parts)), address="/c?a=1&b=2", says="<b>"
    )


def test_columns_are_stacked_from_below_up_to_the_highest() -> None:
    html = columns([column(1, 3), column(2, 0)], "calls")
    assert html is not None
    height, width = COLUMN_HEIGHT, COLUMN_WIDTH
    assert numbers(html, 'rect class="p', "x", "y", "width", "height") == [
        (1, height * 0.75, width - 2, height * 0.25),
        (1, 0, width - 2, height * 0.75),
        (width + 1, height * 0.5, width - 2, height * 0.5),
        (width + 1, height * 0.5, width - 2, 0),
    ]
    assert 'href="/c?a=1&amp;b=2"' in html
    assert "<title>&lt;b&gt;</title>" in html
    assert f'viewBox="0 0 {LEAST_COLUMNS * width} {height}"' in html
    many = columns([column(1)] * (LEAST_COLUMNS + 2), "calls")
    assert many is not None
    assert f'viewBox="0 0 {(LEAST_COLUMNS + 2) * width} {height}"' in many


@pytest.mark.parametrize("given", [[], [column()], [column(0, 0)]])
def test_nothing_to_show_is_no_picture(given: list[Column]) -> None:
    assert columns(given, "calls") is None


def test_a_spark_rises_to_its_own_highest() -> None:
    html = spark([0, 2, 4])
    assert numbers(html, "rect", "x", "y", "width", "height") == [
        (0, SPARK_HEIGHT, 3, 0),
        (4, SPARK_HEIGHT / 2, 3, SPARK_HEIGHT / 2),
        (8, 0, 3, SPARK_HEIGHT),
    ]
    assert 'aria-label="by week: 0, 2, 4"' in html
    assert numbers(spark([0, 0]), "rect", "height") == [(0,), (0,)]
    assert 'viewBox="0 0 32 ' in spark([])
    assert 'viewBox="0 0 40 ' in spark([1] * 10)


@pytest.mark.parametrize(
    ("overall", "apart", "marks"),
    [(None, False, 0), (0.5, False, 1), (0.4, False, 1), (0.6, False, 1), (0.39, True, 1), (0.61, True, 1)],
)
def test_a_share_whose_interval_leaves_out_the_whole_is_apart(overall: float | None, apart: bool, marks: int) -> None:
    html = interval_bar(0.45, 0.4, 0.6, overall)
    assert ('class="interval apart"' in html) is apart
    assert html.count('class="all"') == marks
    assert numbers(html, 'line class="reach"', "x1", "x2") == [(40, 60)]
    assert numbers(html, "circle", "cx") == [(45,)]
    assert numbers(html, 'line class="all"', "x1", "x2") == (
        [] if overall is None else [(100 * overall, 100 * overall)]
    )


@pytest.mark.parametrize("missing", [(None, 0.1, 0.2), (0.1, None, 0.2), (0.1, 0.0, None)])
def test_without_an_interval_there_is_no_bar(missing: tuple[float | None, float | None, float | None]) -> None:
    assert interval_bar(*missing, 0.5) == ""


def point(day: int, value: float, reach: float | None = None) -> RatePoint:
    low, high = (None, None) if reach is None else (value - reach, value + reach)
    return RatePoint(day=date(2026, 9, day), value=value, low=low, high=high, says=f"{day} & <i>")


def dots(html: str, kind: str) -> list[tuple[float, ...]]:
    return [
        tuple(map(float, re.findall(r"[\d.]+", path))) for path in re.findall(rf'class="{kind}" d="M([^"]+)"', html)
    ]


def test_rates_stand_by_their_days_between_nothing_and_the_highest() -> None:
    html = rates([point(1, 0.1, 0.05), point(3, 0.25), point(11, 0.4, 0.1)], 0.25)
    assert html is not None
    inner, highest = RATES_WIDTH - 2 * RATES_EDGE, 1.1 * 0.5

    def y(value: float) -> float:
        return round(COLUMN_HEIGHT * (1 - value / highest), 2)

    xs = [RATES_EDGE, RATES_EDGE + inner * 0.2, RATES_EDGE + inner]
    assert [found[:2] for found in dots(html, "dot")] == [
        pytest.approx((x, y(value)), abs=0.01) for x, value in zip(xs, (0.1, 0.25, 0.4), strict=True)
    ]
    assert dots(html, "reach") == [
        pytest.approx((xs[0], y(0.05), y(0.15)), abs=0.01), pytest.approx((xs[2], y(0.3), y(0.5)), abs=0.01),
    ]  # fmt: skip
    assert dots(html, "limit") == [pytest.approx((0, y(0.25), RATES_WIDTH), abs=0.01)]
    assert html.count('class="point above"') == 1
    assert "<title>1 &amp; &lt;i&gt;</title>" in html
    assert numbers(html, 'rect class="room"', "x", "width")[0] == (0, 2 * RATES_EDGE)


def test_half_an_interval_is_none() -> None:
    halves = [replace(point(1, 0.2, 0.1), low=None), replace(point(2, 0.2, 0.1), high=None)]
    html = rates(halves, None)
    assert html is not None
    assert (len(dots(html, "dot")), dots(html, "reach")) == (2, [])


def test_one_day_stands_in_the_middle_and_none_is_no_picture() -> None:
    html = rates([point(1, 0.0), point(1, 0.2)], None)
    assert html is not None
    assert [found[0] for found in dots(html, "dot")] == [RATES_WIDTH / 2] * 2
    assert dots(html, "limit") == []
    assert "above" not in html
    assert rates([], 0.1) is None
    assert rates([point(1, 0.0)], None) is not None
