"""Small inline SVG charts: axes with labels and units, colours from the page's style sheet, nothing to load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 460.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 12.0, 10.0, 42.0
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart; `css` picks its colour in the style sheet."""

    name: str
    css: str
    values: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """From value to place, linear or logarithmic."""

    label: str
    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """0 at the low end, 1 at the high end."""
        if self.log:
            return (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = math.floor(math.log10(self.low) + 1e-9), math.ceil(math.log10(self.high) - 1e-9)
            return [10.0**power for power in range(first, last + 1)]
        step = nice((self.high - self.low) / _TICKS)
        count = int((self.high - self.low) / step + 1e-9)
        return [self.low + step * number for number in range(count + 1)]


def nice(rough: float) -> float:
    """The next of 1, 2, 5 × a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next((power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999), power * 10)


def linear(label: str, values: Sequence[float], low: float = 0.0) -> Axis:
    """From `low` to a round number above the highest value."""
    highest = max(values, default=1.0)
    high = highest if highest > low else low + 1.0
    step = nice((high - low) / _TICKS)
    return Axis(label, low, low + step * math.ceil((high - low) / step - 1e-9))


def logarithmic(label: str, values: Sequence[float]) -> Axis:
    """Whole decades around the positive values."""
    lowest, highest = min(values), max(values)
    low, high = math.floor(math.log10(lowest) + 1e-9), math.ceil(math.log10(highest) - 1e-9)
    return Axis(label, 10.0**low, 10.0 ** (high if high > low else low + 1), log=True)


def number(value: float) -> str:
    """A tick's text, short and without float noise."""
    if value == 0:
        return "0"
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    return f"{value:.4g}"


def seconds_axis(end_s: float) -> tuple[str, float]:
    """Label of a time axis and seconds per unit of it."""
    if end_s > 2 * 3600:
        return "hours since the run began", 3600.0
    return ("minutes since the run began", 60.0) if end_s > 180 else ("seconds since the run began", 1.0)


def line_chart(title: str, at_s: Sequence[float], lines: Sequence[Line], y_label: str, *, steps: bool = False) -> str:
    """Values over the time of the run."""
    label, unit = seconds_axis(at_s[-1])
    x_axis = Axis(label, 0.0, max(at_s[-1] / unit, 1e-9))
    y_axis = linear(y_label, [value for line in lines for value in line.values])
    shapes = []
    for line in lines:
        points = [
            f"{_x(x_axis, moment_s / unit):.1f},{_y(y_axis, value):.1f}"
            for moment_s, value in zip(at_s, line.values, strict=True)
        ]
        if steps:
            points = _stepped(points)
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        shapes.append(f'<polyline class="line {line.css}" points="{" ".join(points)}"{dash}/>')
    return _svg(title, x_axis, y_axis, shapes)


def _stepped(points: list[str]) -> list[str]:
    stepped = points[:1]
    for before, after in pairwise(points):
        stepped += [f"{after.split(',')[0]},{before.split(',')[1]}", after]
    return stepped


def lanes_chart(title: str, bin_s: float, lanes: Sequence[Line]) -> str:
    """One band a stage: how many calls it worked on in each stretch of the run."""
    end_s = bin_s * max((len(lane.values) for lane in lanes), default=0)
    label, unit = seconds_axis(end_s)
    x_axis = Axis(label, 0.0, max(end_s / unit, 1e-9))
    band = (HEIGHT - TOP - BOTTOM) / max(len(lanes), 1)
    shapes = []
    for index, lane in enumerate(lanes):
        bottom = TOP + band * (index + 1) - 4
        highest = max(lane.values, default=0.0)
        shapes.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>')
        shapes.append(
            f'<text class="tick" x="{LEFT - 5}" y="{bottom - 2:.1f}" text-anchor="end">{escape(lane.name)}</text>'
        )
        if highest > 0:
            shapes.append(
                f'<text class="tick small" x="{LEFT - 5}" y="{bottom - 15:.1f}" text-anchor="end">'
                f"max {number(round(highest, 1))}</text>"
            )
            points = [f"{LEFT},{bottom:.1f}"]
            for place, value in enumerate(lane.values):
                height = bottom - (band - 12) * value / highest
                left, right = (_x(x_axis, bin_s * (place + side) / unit) for side in (0, 1))
                points += [f"{left:.1f},{height:.1f}", f"{right:.1f},{height:.1f}"]
            points.append(f"{_x(x_axis, end_s / unit):.1f},{bottom:.1f}")
            shapes.append(f'<polygon class="area {lane.css}" points="{" ".join(points)}"/>')
    return _svg(title, x_axis, None, shapes)


def scatter_chart(title: str, points: Sequence[Sequence[float]], x_label: str, y_label: str) -> str:
    """Points (x, y), y on a logarithmic axis."""
    x_axis = linear(x_label, [x for x, _ in points])
    y_axis = logarithmic(y_label, [y for _, y in points])
    shapes = [f'<circle class="dot" cx="{_x(x_axis, x):.1f}" cy="{_y(y_axis, y):.1f}" r="2.6"/>' for x, y in points]
    return _svg(title, x_axis, y_axis, shapes)


def bars_chart(title: str, rows: Sequence[tuple[str, Sequence[tuple[str, float]]]], x_label: str) -> str:
    """One bar a row, its parts side by side; a part is (css class, value)."""
    row_height, label_height = 38.0, 17.0
    height = TOP + row_height * len(rows) + BOTTOM
    axis = linear(x_label, [sum(value for _, value in parts) for _, parts in rows])
    left = 10.0

    def place(value: float) -> float:
        return left + axis.share(value) * (WIDTH - RIGHT - left)

    shapes = _x_ticks(axis, height, left, place)
    for index, (name, parts) in enumerate(rows):
        top = TOP + row_height * index
        shapes.append(f'<text class="tick" x="{left}" y="{top + 12:.1f}">{escape(_shortened(name))}</text>')
        begin = 0.0
        for css, value in parts:
            x, width = place(begin), place(begin + value) - place(begin)
            size = f'width="{max(width, 0.5):.1f}" height="14"'
            shapes.append(f'<rect class="{css}" x="{x:.1f}" y="{top + label_height:.1f}" {size}/>')
            begin += value
    return _wrapped(title, height, shapes)


def _shortened(name: str, most: int = 56) -> str:
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-(most // 2) :]}"


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.share(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _x_ticks(axis: Axis, height: float, left: float, x_of: object) -> list[str]:
    assert callable(x_of)
    floor = height - BOTTOM
    shapes = [f'<line class="axis" x1="{left}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>']
    for tick in axis.ticks():
        x = x_of(tick)
        anchor = "end" if x > WIDTH - RIGHT - 14 else "middle"
        shapes.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{floor}" y2="{floor + 4}"/>')
        shapes.append(f'<text class="tick" x="{x:.1f}" y="{floor + 16}" text-anchor="{anchor}">{number(tick)}</text>')
    middle = (left + WIDTH - RIGHT) / 2
    label = escape(axis.label)
    return [*shapes, f'<text class="label" x="{middle}" y="{height - 6}" text-anchor="middle">{label}</text>']


def _svg(title: str, x_axis: Axis, y_axis: Axis | None, shapes: Sequence[str]) -> str:
    drawn = _x_ticks(x_axis, HEIGHT, LEFT, lambda value: _x(x_axis, value))
    if y_axis is not None:
        for tick in y_axis.ticks():
            tick_y = _y(y_axis, tick)
            drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{tick_y:.1f}" y2="{tick_y:.1f}"/>')
            drawn.append(
                f'<text class="tick" x="{LEFT - 5}" y="{tick_y + 4:.1f}" text-anchor="end">{number(tick)}</text>'
            )
        middle = (TOP + HEIGHT - BOTTOM) / 2
        drawn.append(
            f'<text class="label" transform="rotate(-90 13 {middle})" x="13" y="{middle}" text-anchor="middle">'
            f"{escape(y_axis.label)}</text>"
        )
    return _wrapped(title, HEIGHT, [*drawn, *shapes])


def _wrapped(title: str, height: float, shapes: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{''.join(shapes)}</svg>"
    )
