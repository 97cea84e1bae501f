"""Talk that was drawn, measured: kept as it is, so that any change of a figure is seen. What is right is beside it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, replace

from analysis.conversation.measures import measure
from pipeline.records import Role, TranscriptChunk, Word
from tests.analysis.calls import chunk
from tests.pinned import assert_pinned

TEXTS = ("mm-hm", "okay", "right okay", "yes", "no it is not", "I want my money back because it is broken", "[noise]",
         "could you tell me your number please", "ja genau", "well")  # fmt: skip
STEP_S = 0.125
"""Times lie on this raster, so that limits of half a second, a second and the like are met exactly."""


def drawn_call(generator: random.Random) -> list[TranscriptChunk]:
    roles = generator.choice([(Role.AGENT, Role.CLIENT), (Role.UNKNOWN, Role.AGENT), (Role.CLIENT,)])
    roles = (Role.AGENT, Role.CLIENT) if generator.random() < 0.7 else roles
    made = []
    now = {role: generator.randint(0, 16) * STEP_S for role in roles}
    for place in range(generator.randint(1, 9)):
        role = generator.choice(roles)
        start_s = now[role] + generator.choice([0, 1, 3, 4, 8, 12, 16, 17, 40]) * STEP_S
        end_s = start_s + generator.choice([2, 6, 7, 11, 12, 13, 24, 60]) * STEP_S
        now[role] = end_s
        if generator.random() < 0.4:  # the others wait for it, or nearly
            now = {other: max(moment, end_s - generator.choice([0, 2, 4, 5]) * STEP_S) for other, moment in now.items()}
        made.append(_heard(chunk(place, role, generator.choice(TEXTS), start_s=start_s, end_s=end_s), generator))
    return made


def _heard(made: TranscriptChunk, generator: random.Random) -> TranscriptChunk:
    """With its speech in one or two stretches, or without; with times of words, or without."""
    said = made.text.split()
    each_s = (made.end_s - made.start_s) / len(said)
    words = tuple(
        Word(text=word, start_s=made.start_s + index * each_s, end_s=made.start_s + (index + 0.9) * each_s)
        for index, word in enumerate(said)
    )
    middle_s = (made.start_s + made.end_s) / 2
    gap_s = generator.choice([1, 3, 4, 8]) * STEP_S / 2
    parts = ((made.start_s, middle_s - gap_s), (middle_s + gap_s, made.end_s + generator.choice([0, 20]) * STEP_S))
    speech = generator.choice([made.speech, made.speech, parts if gap_s < middle_s - made.start_s else made.speech])
    if generator.random() < 0.06:
        speech = None
    return replace(made, words=words if generator.random() < 0.6 else None, speech=speech)


def test_drawn_talk_measured() -> None:
    assert_pinned("drawn_talk_measured.txt", "\n".join(_measured()))


def _measured() -> Iterator[str]:
    for number in range(120):
        chunks = drawn_call(random.Random(number))
        duration_s = max(one.end_s for one in chunks) + (number % 3 - 1) * 2
        if duration_s > 0 and any(one.text != "[noise]" for one in chunks):
            language = "de" if number % 5 == 0 else "en"
            figures = asdict(measure(chunks, duration_s, language))
            quarters = figures.pop("quarters") or ()
            yield f"= {number}: " + " ".join(f"{name}={value}" for name, value in figures.items() if value)
            for quarter in quarters:
                yield "  " + " ".join(str(value) for value in quarter.values())
