"""pyannote's annotations as turns: without its package, by a stand-in with its signature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.diarisation.pyannote import numbered


@dataclass(frozen=True)
class Stretch:
    start: float
    end: float


class Annotation:
    """As much of `pyannote.core.Annotation` as is read."""

    def __init__(self, *tracks: tuple[float, float, str]) -> None:
        self._tracks = tracks

    def itertracks(self, yield_label: bool = False) -> Iterator[Any]:
        for start, end, label in self._tracks:
            yield (Stretch(start, end), "track", label) if yield_label else (Stretch(start, end), "track")


@pytest.mark.parametrize(
    ("tracks", "turns"),
    [
        ([(0, 1, "B"), (1, 2, "A"), (3, 4, "B")], [(0, 1, 0), (1, 2, 1), (3, 4, 0)]),
        ([(0, 2, "A"), (1, 3, "B")], [(0, 2, 0), (2, 3, 1)]),
        ([(0, 5, "A"), (1, 3, "B"), (4, 6, "B")], [(0, 5, 0), (5, 6, 1)]),
        ([], []),
    ],
    ids=["in the order they come", "the first keeps what both say", "within another's turn", "nobody"],
)
def test_turns_do_not_overlap_and_speakers_are_numbered_as_they_come(
    tracks: list[tuple[float, float, str]], turns: list[tuple[float, float, int]]
) -> None:
    assert numbered(Annotation(*tracks)) == tuple(SpeakerTurn(*turn) for turn in turns)
