"""Intervals over groups, and paired differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.intervals import Share, difference, share


def ends(found: Share | None) -> tuple[float, float]:
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


ERRORS, WORDS = [4, 9, 1, 7, 3, 6], [100, 120, 90, 110, 80, 130]


def test_a_share_is_of_the_sums_and_lies_in_its_interval() -> None:
    found = share(ERRORS, WORDS)
    assert found is not None
    assert found.value == pytest.approx(sum(ERRORS) / sum(WORDS))
    low, high = ends(found)
    assert low < found.value < high
    assert found.groups == 6


def test_the_same_seed_gives_the_same_interval() -> None:
    assert share(ERRORS, WORDS, 7) == share(ERRORS, WORDS, 7)
    assert share(ERRORS, WORDS, 7) != share(ERRORS, WORDS, 8)


def test_one_group_has_no_interval_and_none_no_share() -> None:
    found = share([3, 0], [10, 0])
    assert found is not None
    assert (found.value, found.low, found.high, found.groups) == (0.3, None, None, 1)
    assert not found.beyond_noise
    assert share([0], [0]) is None
    assert share([], []) is None


def test_the_interval_of_few_calls_stays_where_the_figure_can_be() -> None:
    """Student's t knows no bounds."""
    assert ends(share([9, 2], [9, 9], most=1.0)) == (0.0, 1.0)
    low, high = ends(share([9, 2], [9, 9]))
    assert low == 0.0
    assert high > 1.0


def test_a_difference_on_the_same_calls_is_tighter_than_two_intervals() -> None:
    """Calls differ far more than systems do: only the pairing shows that the second always makes one error more."""
    errors = [0, 30, 2, 50, 1, 40, 3, 60]
    words = [100] * 8
    found = difference(([count + 1 for count in errors], words), (errors, words))
    assert found is not None
    assert found.value == pytest.approx(0.01)
    assert found.beyond_noise
    low, high = ends(share(errors, words))
    assert high - low > 0.1


def test_noise_is_within_noise() -> None:
    found = difference(([3, 5, 2, 8], [50] * 4), ([5, 3, 8, 2], [50] * 4))
    assert found is not None
    assert found.value == 0
    assert not found.beyond_noise


def test_a_call_that_one_system_lacks_counts_for_neither() -> None:
    found = difference(([1, 2, 9], [10, 10, 10]), ([1, 2, 0], [10, 10, 0]))
    assert found is not None
    assert (found.value, found.groups) == (0, 2)


def test_the_interval_covers_the_true_rate_of_few_calls_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    words = [80] * 6
    covered = 0
    for _ in range(100):
        rates = generator.beta(2, 18, 6)
        low, high = ends(share([float(generator.binomial(80, rate)) for rate in rates], words))
        covered += low <= 0.1 <= high
    assert covered >= 85


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 50)), min_size=2, max_size=8))
def test_the_difference_of_a_system_to_itself_is_nothing(pairs: list[tuple[int, int]]) -> None:
    own = ([part for part, _ in pairs], [whole for _, whole in pairs])
    found = difference(own, own)
    assert found is not None
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_share_is_told_with_its_interval_where_it_has_one() -> None:
    assert str(Share(value=0.25, low=0.2, high=0.3, groups=6)) == "0.250 [0.200, 0.300]"
    assert str(Share(value=0.25, low=None, high=None, groups=1)) == "0.250"
