"""Our own questions to a broad glossary of nothing but names: offices, schools, homes, hospitals, travel."""

from __future__ import annotations

from pathlib import Path

from analysis.glossary.catalogue import Glossary, Label
from bench.materials.banking77 import Question

NAMES = Path(__file__).resolve().parents[1] / "labels" / "names.txt"
OUTSIDE = "-"
"""In the file: a question about none of the names."""


def names_glossary() -> Glossary:
    """All names, whichever half their questions are in."""
    names = sorted({question.intent for question in _questions()} - {OUTSIDE})
    return Glossary(name="names", languages=("en",), labels=tuple(Label(topic=name) for name in names))


def half_of_names(half: int) -> list[Question]:
    """Questions about every second name, and every second one about something else; 0 was fitted on, 1 only measured
    with."""
    own = {label.topic for label in names_glossary().labels[half::2]}
    asked = _questions()
    outside = [question for question in asked if question.intent == OUTSIDE]
    return [question for question in asked if question.intent in own] + outside[half::2]


def _questions() -> list[Question]:
    found = []
    for line in NAMES.read_text(encoding="utf-8").splitlines():
        intent, _, text = line.partition("|")
        found.append(Question(text, intent))
    return found
