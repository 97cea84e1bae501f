"""The figures of calls drawn at random, kept as they are: any change of one is seen."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, replace

from analysis.conversation.measures import measure
from pipeline.records import Role, TranscriptChunk
from tests.analysis.calls import chunk
from tests.pinned import assert_pinned

SAID = (
    "good morning how can i help you today", "my bill is wrong", "yes", "mhm", "right okay", "i see",
    "it was forty euros more than last month", "please hold the line", "thank you", "okay", "so what now",
)  # fmt: skip


def drawn(generator: random.Random) -> tuple[list[TranscriptChunk], float]:
    """A call of two sides that sometimes speak at once, sometimes pause long; on tenths of a second."""
    made: list[TranscriptChunk] = []
    at_s = generator.randrange(0, 40) / 10
    for place in range(generator.randrange(3, 16)):
        start_s = max(0.0, at_s + generator.choice((-15, -8, -3, 0, 2, 3, 9, 25, 60)) / 10)
        end_s = start_s + generator.randrange(2, 60) / 10
        role = generator.choice((Role.AGENT, Role.CLIENT))
        made.append(chunk(place, role, generator.choice(SAID), start_s=round(start_s, 1), end_s=round(end_s, 1)))
        at_s = end_s
    return made, round(at_s + generator.randrange(0, 50) / 10, 1)


def figures(chunks: Sequence[TranscriptChunk], duration_s: float, language: str | None) -> str:
    return json.dumps(asdict(measure(chunks, duration_s, language)))


def test_figures_of_drawn_calls() -> None:
    generator = random.Random(20261127)
    lines = []
    for number in range(24):
        chunks, duration_s = drawn(generator)
        if number % 8 == 7:
            chunks[0] = replace(chunks[0], role=Role.UNKNOWN)
        if number % 9 == 8:
            chunks[1] = replace(chunks[1], speech=())
        lines += [f"= {number}, {duration_s} s", figures(chunks, duration_s, "en" if number % 2 else None)]
    assert_pinned("conversations.txt", "\n".join(lines))
