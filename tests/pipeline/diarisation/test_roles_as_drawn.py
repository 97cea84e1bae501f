"""Drawn sentences of two speakers: who is who, and why, as it was."""

from __future__ import annotations

import random
from collections.abc import Iterable

from pipeline.config.areas.speech.diarisation import RoleSettings
from pipeline.diarisation.roles import Said, guess_roles
from pipeline.records import Direction
from tests.pinned import assert_pinned

SENTENCES = (
    "thank you for calling north star",
    "how can I help you today?",
    "my card is lost",
    "can I have your account number",
    "I want to cancel my contract",
    "yes",
    "what is your name",
    "is there anything else I can do for you?",
    "I would like to",
    "bonjour comment puis-je vous aider",
    "j'ai perdu ma carte",
    "pouvez-vous",
    "...",
    "one moment please",
    "I'm calling about",
    "let me check that for you",
    "thank you for calling north star how may I help",
    "which one?",
)


def lines_of_calls() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(150):
        spoken = [
            Said(
                speaker=draw.choice((0, 1)), start_s=float(draw.randrange(20)), text=draw.choice(SENTENCES),
                language=draw.choice(("en", "en", "fr", None, "xx")),
            )
            for _ in range(draw.randrange(1, 9))
        ]  # fmt: skip
        direction = draw.choice((None, *Direction))
        settings = RoleSettings(opening_turns=draw.choice((1, 2, 4)), first_weight=draw.choice((0.0, 0.5, 1.0)))
        found = guess_roles(spoken, settings, direction)
        yield (
            f"{[role.value for role in found.roles]} {found.confidence:.4f} {direction} {settings.opening_turns}: "
            f"{'; '.join(found.evidence)}"
        )


def test_who_is_who() -> None:
    assert_pinned("roles_of_calls.txt", "\n".join(lines_of_calls()))
