"""A call drawn along its time: a lane for each side, coloured by mood, and the pauses. SVG to stand in the page."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from pages.talk import Pause, Said
from pipeline.records import Role

WIDTH = 1000
LANE, GAP = 12, 4
ORDER = (Role.CLIENT, Role.AGENT, Role.UNKNOWN)


def lanes_of(said: Sequence[Said]) -> list[Role]:
    """The roles that speak, the customer first."""
    speaking = {stretch.role for stretch in said}
    return [role for role in ORDER if role in speaking]


def timeline(said: Sequence[Said], pauses: Sequence[Pause], duration_s: float) -> Markup:
    """The picture; it carries no text, so that it may be stretched to any width."""
    lanes = lanes_of(said)
    height = max(1, len(lanes)) * (LANE + GAP) - GAP
    shapes = []
    for pause in pauses:
        x, width = _place(pause.start_s, pause.end_s, duration_s)
        shapes.append(f'<rect class="{escape(pause.kind)}" x="{x}" y="0" width="{width}" height="{height}"/>')
    for stretch in said:
        x, width = _place(stretch.start_s, stretch.end_s, duration_s)
        y = lanes.index(stretch.role) * (LANE + GAP)
        kind = "doubtful" if stretch.doubts else stretch.mood or "none"
        shapes.append(f'<rect class="said {escape(kind)}" x="{x}" y="{y}" width="{width}" height="{LANE}"/>')
    return Markup(  # noqa: S704 - made of numbers and of names of ours alone
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false">{"".join(shapes)}</svg>'
    )


def _place(start_s: float, end_s: float, duration_s: float) -> tuple[str, str]:
    """Left edge and width, inside the picture; what is very short stays visible."""
    scale = WIDTH / duration_s if duration_s > 0 else 0.0
    x = min(WIDTH, start_s * scale)
    return f"{x:.1f}", f"{max(1.0, min((end_s - start_s) * scale, WIDTH - x)):.1f}"
