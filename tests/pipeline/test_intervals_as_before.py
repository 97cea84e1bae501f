"""Estimates and their intervals of drawn groups, few and many: as they were."""

from __future__ import annotations

import random
from collections.abc import Iterable

import numpy as np

from pipeline import intervals
from tests.pinned import assert_pinned


def lines_of_estimates() -> Iterable[str]:
    draw = random.Random(1)
    for groups in (1, 2, 3, 4, 5, 6, 12, 60):
        wholes = [draw.choice((0, 5, 20, 40)) for _ in range(groups)]
        parts = [draw.randrange(whole + 1) for whole in wholes]
        others = [draw.randrange(whole + 1) for whole in wholes]
        found = intervals.share(parts, wholes)
        yield f"{groups}: {found} of {found and found.groups}, at most 1 {intervals.share(parts, wholes, most=1.0)}"
        less = intervals.difference((parts, wholes), (others, wholes), seed=3)
        yield f"  less another {less} {less and (less.beyond_noise, less.surely_below(0.5), less.surely_above(-0.5))}"
        low, high = intervals.interval_levels(groups)
        yield f"  levels {low:.4f} {high:.4f}, drawn {intervals.draws(groups, 2).shape}"
        ones = intervals.figure(
            intervals.draws(groups, 4), lambda weights: weights @ np.arange(weights.shape[1]) / 7, groups, (-0.2, 3.0)
        )
        yield f"  figure {ones}"
    for seed in (0, 1):
        yield f"seed {seed}: {intervals.share([3, 1, 4, 1, 5, 9, 2, 6], [10] * 8, seed)}"
    for groups, low, high in ((5, 0.1, 0.2), (6, 0.1, 0.2), (6, -0.2, -0.1), (6, -0.1, 0.1), (6, 0.0, 0.0)):
        made = intervals.Share(0.1, low, high, groups)
        yield f"{made} of {groups}: {made.beyond_noise} {made.surely_below(0.2)} {made.surely_above(0.1)}"
    unknown = intervals.Share(0.25, None, None, 1)
    yield f"{unknown} {unknown.beyond_noise}; nothing {intervals.share([0, 0], [0, 0])}"
    for part, whole in ((0, 1), (1, 1), (3, 7), (50, 100), (0, 200)):
        low, high = intervals.score_interval(part, whole)
        yield f"{part} of {whole}: {low:.5f} {high:.5f}"
    yield f"200 and 201 groups {[intervals.draws(count, 0).shape[0] for count in (200, 201)]}"


def test_estimates() -> None:
    assert_pinned("estimates.txt", "\n".join(lines_of_estimates()))
