"""The talk of drawn calls, whose times often lie on the limits, compared with what is kept beside this test."""

from __future__ import annotations

import random

from pages.talk import Pause, Said, talk_of
from pipeline.records import Role
from tests.pages.samples import NEGATIVE, POSITIVE, shown_chunk
from tests.pinned import assert_pinned

SIDES = ((0, Role.CLIENT), (1, Role.AGENT), (1, Role.UNKNOWN), (2, Role.UNKNOWN))
MOODS = (None, POSITIVE, NEGATIVE)
FLAGS = ((), (), (), ("loop",), ("redacted",), ("truncation", "loop"))
LENGTHS_S = (0.25, 0.5, 1.0, 2.0)
STEPS_S = (-1.0, -0.75, -0.5, -0.5, -0.25, 0.0, 0.25, 0.5, 2.75, 3.0, 3.25)
"""From the end of one stretch to the start of the next: both limits, and a little to either side."""


def shown(entry: Said | Pause) -> str:
    if isinstance(entry, Pause):
        return f"    {entry.kind} {entry.start_s:g} to {entry.end_s:g}: {entry.length_s:g} s"
    parts = (entry.number, entry.role, f"{entry.start_s:g} to {entry.end_s:g}", repr(entry.text), entry.mood,
             entry.voice, *entry.doubts, *entry.remarks, "same" if entry.same_speaker else "other")  # fmt: skip
    return "    " + ", ".join(map(str, parts))


def test_the_talk_of_drawn_calls_is_as_before() -> None:
    drawn = random.Random(5)
    lines = []
    for number in range(60):
        chunks, at_s = [], drawn.choice((0.0, 2.75, 3.0, 4.0))
        for ordinal in range(drawn.randrange(7)):
            channel, role = drawn.choice(SIDES)
            length_s = drawn.choice(LENGTHS_S)
            moods = {
                f"{name}_probabilities": drawn.choice(MOODS) if drawn.random() < 0.5 else None
                for name in ("fusion", "text", "acoustic")
            }
            text = drawn.choice(("one two", "yes", "", " "))
            flags = drawn.choice(FLAGS)
            chunks.append(
                shown_chunk(at_s, at_s + length_s, text, channel=channel, role=role, ordinal=ordinal, flags=flags,
                            **moods)
            )  # fmt: skip
            at_s = max(0.0, at_s + length_s + drawn.choice(STEPS_S))
        duration_s = drawn.choice((None, at_s, at_s + 3.0))
        talk, pauses = talk_of(chunks, duration_s, "en")
        assert pauses == [entry for entry in talk if isinstance(entry, Pause)]
        lines += [f"call {number} of {duration_s} s", *map(shown, talk)]
    assert_pinned("talk.txt", "\n".join(lines))
