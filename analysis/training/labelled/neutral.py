"""Talk without labels that is taken as neutral: what service calls mostly consist of."""

from __future__ import annotations

import random
from pathlib import Path

from analysis.sentiment.lines import SpokenLine
from analysis.training.labelled.label_rows import read_rows
from analysis.training.labelled.labels import ROLES
from pipeline.records import Role


def read_neutral(path: Path, most: int, seed: int) -> list[SpokenLine]:
    """Lines of a CSV with `text` and, optionally, `role`; at most `most`, drawn by `seed`.

    Raises ConfigurationError when it is no such file.
    """
    lines = []
    for _, row in read_rows(path, ["text"], None):
        text, role = (row.get("text") or "").strip(), (row.get("role") or "").strip().lower()
        if text:
            lines.append(SpokenLine(text=text, role=Role(role) if role in ROLES else Role.CLIENT))
    return lines if len(lines) <= most else random.Random(seed).sample(lines, most)  # noqa: S311 - a draw, no secret
