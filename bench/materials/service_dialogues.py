"""Written customer-service dialogues (Schema-Guided Dialogue, Rastogi et al. 2019, CC BY-SA 4.0)."""

from __future__ import annotations

import csv
from pathlib import Path

from bench.materials.banking77 import Question


def first_turns(data: Path) -> list[Question]:
    """The first turn of each dialogue, with its first service, in order of the dialogues' names."""
    found: dict[str, Question] = {}
    with (data / "text" / "service_dialogues.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["role"] == "client" and row["dialogue"] not in found:
                service = row["services"].split("+")[0].rsplit("_", 1)[0]
                found[row["dialogue"]] = Question(row["text"], service)
    return [found[name] for name in sorted(found)]
