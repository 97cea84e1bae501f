"""How a call did by its scorecards, as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from db.queries.reading import ShownAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """How well the call was handled, by one scorecard."""

    title: str
    score: float | None
    """0..1; None where no item applies."""
    passed: bool | None
    missed: tuple[ShownAnswer, ...]
    """Items answered no: critical ones first, then by weight."""
    met: tuple[ShownAnswer, ...]
    left_out: tuple[ShownAnswer, ...]
    """Items that do not apply, or that the call does not tell."""


def scorecards_of(answers: Sequence[ShownAnswer]) -> list[Scorecard]:
    """The answers by scorecard, what was missed first."""
    found = []
    for _, group in groupby(answers, key=lambda answer: answer.scorecard):
        own = tuple(group)
        missed = sorted(
            (item for item in own if item.answer == "no"), key=lambda item: (item.critical, item.weight), reverse=True
        )
        found.append(
            Scorecard(
                title=own[0].title,
                score=own[0].score,
                passed=own[0].passed,
                missed=tuple(missed),
                met=tuple(item for item in own if item.answer == "yes"),
                left_out=tuple(item for item in own if item.answer == "n/a"),
            )
        )
    return found
