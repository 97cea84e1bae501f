"""The picture of a recording's channels: SVG made here, a file of its own, because decoding takes its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.records import Role

LANE_HEIGHT = 32
GAP = 4
COLOURS: Mapping[Role, str] = {Role.CLIENT: "#6a78c0", Role.AGENT: "#2f8f86", Role.UNKNOWN: "#8f867b"}
"""In the middle between light and dark, because a picture cannot read the page's own."""
_LOUDEST_AT_LEAST = 0.05
"""A silent channel is drawn flat, not blown up."""


def waveform(peaks: Sequence[Sequence[float]], roles: Sequence[Role]) -> str:
    """SVG, a lane for each channel in the order given, each drawn up to its own loudest."""
    width = max((len(lane) for lane in peaks), default=1) or 1
    height = max(1, len(peaks)) * (LANE_HEIGHT + GAP) - GAP
    paths = [
        f'<path fill="{COLOURS[role]}" d="{_outline(lane, number * (LANE_HEIGHT + GAP) + LANE_HEIGHT / 2)}"/>'
        for number, (lane, role) in enumerate(zip(peaks, roles, strict=True))
        if lane
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        f"{''.join(paths)}</svg>"
    )


def _outline(lane: Sequence[float], middle: float) -> str:
    loudest = max(_LOUDEST_AT_LEAST, *lane)
    halves = [max(0.3, LANE_HEIGHT / 2 * min(1.0, value / loudest)) for value in lane]
    above = " ".join(f"{x}.5 {middle - half:.1f}" for x, half in enumerate(halves))
    below = " ".join(f"{x}.5 {middle + half:.1f}" for x, half in reversed(list(enumerate(halves))))
    return f"M{above} L{below}Z"
