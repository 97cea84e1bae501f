"""banking77: 10,003 customer questions of 77 intents (Casanueva et al. 2020, CC BY 4.0), halved by intent."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from analysis.glossary.catalogue import Glossary


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    intent: str


def questions(data: Path) -> list[Question]:
    with (data / "text" / "banking77" / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = [Question(row["text"], row["category"]) for row in csv.DictReader(file)]
    # Sorted by class and text: taking every second one gives halves of equal class balance, whatever the file's order.
    return sorted(rows, key=lambda row: (row.intent, row.text))


def developed_intents(glossary: Glossary) -> frozenset[str]:
    """Those with which rules and weights were made; the others are only measured with."""
    return frozenset(sorted(label.topic for label in glossary.topics)[::2])
