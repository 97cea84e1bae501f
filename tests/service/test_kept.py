"""Answers that are kept for a while."""

from __future__ import annotations

from service.kept import Kept


def test_a_value_is_made_anew_when_it_is_old() -> None:
    clock, made = [0.0], []

    def make() -> int:
        made.append(clock[0])
        return len(made)

    kept = Kept(make, 60.0, lambda: clock[0])
    seen = []
    for moment in (0.0, 59.0, 61.0, 62.0):
        clock[0] = moment
        seen.append(kept.get())
    assert seen == [1, 1, 2, 2]
