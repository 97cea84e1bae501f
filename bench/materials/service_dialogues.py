"""Written customer-service dialogues (Schema-Guided Dialogue, Rastogi et al. 2019, CC BY-SA 4.0)."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from bench.materials.banking77 import Question


@dataclass(frozen=True, slots=True)
class Dialogue:
    name: str
    services: str
    """As the data names them, joined by `+`."""
    turns: list[tuple[str, str]] = field(default_factory=list)
    """Role and words of each."""


def service_dialogues(data: Path) -> list[Dialogue]:
    """In the order of the file."""
    found: dict[str, Dialogue] = {}
    with (data / "text" / "service_dialogues.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            dialogue = found.setdefault(row["dialogue"], Dialogue(row["dialogue"], row["services"]))
            dialogue.turns.append((row["role"], row["text"]))
    return list(found.values())


def first_turns(data: Path) -> list[Question]:
    """What the client says first in each dialogue, with its first service, in order of the dialogues' names."""
    return [
        Question(
            next(text for role, text in dialogue.turns if role == "client"),
            dialogue.services.split("+")[0].rsplit("_", 1)[0],
        )
        for dialogue in sorted(service_dialogues(data), key=lambda dialogue: dialogue.name)
    ]
