"""Small charts, as SVG to stand in a page: coloured by the style sheet, readable without it by their title."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

QUARTER_WIDTH, QUARTER_HEIGHT = 60, 60
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
