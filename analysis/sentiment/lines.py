"""What a text engine is given of each line: its words, who said it, and what the other side had just said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.records import Role, TranscriptChunk

ANSWERED_WITHIN_S = 15.0
"""A line of the other side that ended longer ago than this is not what is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenLine:
    """One chunk of a transcript, or one labelled text."""

    text: str
    role: Role = Role.CLIENT
    before: str | None = None
    """What the other side said just before; None where nothing was said or it is not known."""


_MARK = re.compile(r"\[[^\]]{0,40}\]")


def without_marks(text: str) -> str:
    """What is said, without `[noise]`."""
    return " ".join(_MARK.sub(" ", text).split())


def spoken_lines(texts: Iterable[str], role: Role = Role.CLIENT) -> list[SpokenLine]:
    """Texts that stand alone."""
    return [SpokenLine(text=text, role=role) for text in texts]


def lines_of(chunks: Sequence[TranscriptChunk]) -> list[SpokenLine]:
    """One line per chunk, in the order of `chunks`, each with the latest line of another role before it."""
    order = sorted(range(len(chunks)), key=lambda place: (chunks[place].start_s, chunks[place].end_s))
    lines: dict[int, SpokenLine] = {}
    latest: dict[Role, TranscriptChunk] = {}
    for place in order:
        chunk = chunks[place]
        others = [other for role, other in latest.items() if role is not chunk.role]
        answered = max(others, key=lambda other: other.start_s, default=None)
        near = answered is not None and chunk.start_s - answered.end_s <= ANSWERED_WITHIN_S
        before = without_marks(answered.text) if answered is not None and near else None
        lines[place] = SpokenLine(text=without_marks(chunk.text), role=chunk.role, before=before)
        if without_marks(chunk.text):
            latest[chunk.role] = chunk
    return [lines[place] for place in range(len(chunks))]
