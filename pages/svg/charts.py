"""Small charts, as SVG to stand in a page: coloured by the style sheet, readable without it by their title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

QUARTER_WIDTH, QUARTER_HEIGHT = 60, 60
COLUMN_WIDTH, COLUMN_HEIGHT = 10, 100
LEAST_COLUMNS = 8
"""Fewer do not become wider than this many would be."""
SPARK_HEIGHT = 16
RATES_WIDTH, RATES_EDGE = 400, 4
NEUTRAL_BELOW = 0.1
"""A mean score this near 0 is neutral."""


def quarters(scores: Sequence[float | None]) -> Markup:
    """The mean score (-1..1) in each quarter of a call: bars up for positive, down for negative."""
    middle = QUARTER_HEIGHT / 2
    width = QUARTER_WIDTH * len(scores)
    bars, said = [], []
    for number, score in enumerate(scores):
        said.append("silent" if score is None else f"{score:+.1f}")
        if score is None:
            continue
        mood = "neutral" if abs(score) < NEUTRAL_BELOW else "positive" if score > 0 else "negative"
        height = max(1.5, abs(score) * middle)
        y = middle - height if score > 0 else middle
        x = number * QUARTER_WIDTH + 6
        bars.append(
            f'<rect class="{mood}" x="{x}" y="{y:.1f}" width="{QUARTER_WIDTH - 12}" height="{height:.1f}" rx="2"/>'
        )
    title = f"Mean by quarter, from -1 to 1: {', '.join(said)}"
    return Markup(  # noqa: S704 - made of numbers and of words of ours alone
        f'<svg class="quarters" viewBox="0 0 {width} {QUARTER_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<line class="axis" x1="0" x2="{width}" y1="{middle}" y2="{middle}"/>{"".join(bars)}</svg>'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a chart."""

    parts: tuple[tuple[str, float], ...]
    """Class of the style sheet and height, from below."""
    address: str
    says: str
    """What a pointer over it shows."""


def columns(given: Sequence[Column], name: str) -> Markup | None:
    """Columns of stacked parts, up to the highest one; each leads to its calls. None for no column.

    A table with the same figures and links stands beneath it, for those who cannot point: this picture is hidden from
    them. It carries no text, so that it may be stretched to any width.
    """
    highest = max((sum(value for _, value in column.parts) for column in given), default=0)
    if not highest:
        return None
    shapes = []
    for number, column in enumerate(given):
        x, below, bars = number * COLUMN_WIDTH, float(COLUMN_HEIGHT), []
        for part, value in column.parts:
            height = COLUMN_HEIGHT * value / highest
            below -= height
            bars.append(
                f'<rect class="{escape(part)}" x="{x + 1}" y="{below:.2f}" width="{COLUMN_WIDTH - 2}" '
                f'height="{height:.2f}"/>'
            )
        shapes.append(
            f'<a href="{escape(column.address)}" tabindex="-1"><title>{escape(column.says)}</title>'
            f'<rect class="room" x="{x}" y="0" width="{COLUMN_WIDTH}" height="{COLUMN_HEIGHT}"/>{"".join(bars)}</a>'
        )
    width = max(LEAST_COLUMNS, len(given)) * COLUMN_WIDTH
    return Markup(  # noqa: S704 - what is from outside is escaped above
        f'<svg class="columns-chart {escape(name)}" viewBox="0 0 {width} {COLUMN_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false">{"".join(shapes)}</svg>'
    )


def spark(values: Sequence[int]) -> Markup:
    """A line of tiny columns, up to their own highest."""
    highest = max(values, default=0) or 1
    bars = "".join(
        f'<rect x="{number * 4}" y="{SPARK_HEIGHT * (1 - value / highest):.1f}" width="3" '
        f'height="{SPARK_HEIGHT * value / highest:.1f}"/>'
        for number, value in enumerate(values)
    )
    said = f"by week: {', '.join(map(str, values))}"
    return Markup(  # noqa: S704 - made of numbers alone
        f'<svg class="spark" viewBox="0 0 {max(8, len(values)) * 4} {SPARK_HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{said}"><title>{said}</title>{bars}</svg>'
    )


def interval_bar(value: float | None, low: float | None, high: float | None, overall: float | None) -> Markup:
    """A share (0..1) as a dot, its interval as a line, and the share of all as a mark across."""
    if value is None or low is None or high is None:
        return Markup()
    mark = (
        ""
        if overall is None
        else f'<line class="all" x1="{100 * overall:.1f}" x2="{100 * overall:.1f}" y1="0" y2="12"/>'
    )
    apart = overall is not None and not low <= overall <= high
    return Markup(  # noqa: S704 - made of numbers alone
        f'<svg class="interval{" apart" if apart else ""}" viewBox="0 0 100 12" aria-hidden="true" focusable="false">'
        f'{mark}<line class="reach" x1="{100 * low:.1f}" x2="{100 * high:.1f}" y1="6" y2="6"/>'
        f'<circle cx="{100 * value:.1f}" cy="6" r="3"/></svg>'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePoint:
    """A rate of a day, with its interval."""

    day: date
    value: float
    low: float | None
    high: float | None
    says: str
    """What a pointer over it shows."""


def rates(points: Sequence[RatePoint], limit: float | None) -> Markup | None:
    """Rates over the days, from 0 to the highest: a dot and its interval each, `limit` as a line across. None for none.

    A table with the same figures stands beneath it: this picture is hidden from those who cannot see it. It carries no
    text, so that it may be stretched to any width; lines and dots keep their own (`non-scaling-stroke`).
    """
    if not points:
        return None
    highest = (
        1.1 * max([point.high if point.high is not None else point.value for point in points] + [limit or 0.0]) or 1.0
    )
    first, last = min(point.day for point in points), max(point.day for point in points)
    days = max(1, (last - first).days)

    def y(value: float) -> float:
        return COLUMN_HEIGHT * (1 - value / highest)

    shapes = []
    if limit is not None:
        shapes.append(f'<path class="limit" d="M0 {y(limit):.2f}H{RATES_WIDTH}"/>')
    for point in points:
        x = RATES_EDGE + (RATES_WIDTH - 2 * RATES_EDGE) * (0.5 if first == last else (point.day - first).days / days)
        reach = "" if point.low is None or point.high is None else (
            f'<path class="reach" d="M{x:.2f} {y(point.low):.2f}V{y(point.high):.2f}"/>'
        )  # fmt: skip
        above = limit is not None and point.value > limit
        shapes.append(
            f'<g class="point{" above" if above else ""}"><title>{escape(point.says)}</title>'
            f'<rect class="room" x="{x - RATES_EDGE:.2f}" y="0" width="{2 * RATES_EDGE}" height="{COLUMN_HEIGHT}"/>'
            f'{reach}<path class="dot" d="M{x:.2f} {y(point.value):.2f}h0"/></g>'
        )
    return Markup(  # noqa: S704 - what is from outside is escaped above
        f'<svg class="rates-chart" viewBox="0 0 {RATES_WIDTH} {COLUMN_HEIGHT}" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false">{"".join(shapes)}</svg>'
    )
