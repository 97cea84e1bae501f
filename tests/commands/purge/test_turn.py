"""Whoever erases waits for who is before it, as long as it was told to and no longer."""

from __future__ import annotations

import math

import pytest

from commands.purge.turn import in_turn
from pipeline.errors import RunLocked


class Taken:
    """Taken for so many tries."""

    def __init__(self, tries: int) -> None:
        self.left = tries

    def __call__(self) -> str:
        if self.left:
            self.left -= 1
            raise RunLocked(f"{self.left} more")
        return "erased"


def test_it_is_tried_until_nobody_is_before_it_and_each_wait_is_told() -> None:
    told: list[str] = []
    assert in_turn(Taken(2), math.inf, 0.0, lambda error: told.append(str(error))) == "erased"
    assert told == ["1 more", "0 more"]


def test_without_patience_the_first_refusal_is_the_answer() -> None:
    taken = Taken(2)
    with pytest.raises(RunLocked, match="1 more"):
        in_turn(taken, 0.0, 0.0)
    assert taken.left == 1
