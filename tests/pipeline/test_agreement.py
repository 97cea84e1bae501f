"""Cohen's kappa is that of scikit-learn, and says how sure it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from pipeline.agreement import agreement

PAIRS = st.lists(st.tuples(st.sampled_from(["yes", "no", "n/a"]), st.sampled_from(["yes", "no", "n/a"])), min_size=2)


@given(pairs=PAIRS)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    found = agreement([pairs])
    if len({label for pair in pairs for label in pair}) < 2:
        assert found.kappa is None
        return
    first, second = zip(*pairs, strict=True)
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))


def test_raters_who_always_say_the_same_have_no_kappa() -> None:
    found = agreement([[("yes", "yes")], [("yes", "yes")]])
    assert (found.agreed, found.items, found.kappa, found.low) == (2, 2, None, None)


def test_more_calls_make_it_surer() -> None:
    calls = [[("yes", "yes"), ("no", "no"), ("yes", "no")], [("no", "no"), ("yes", "yes"), ("no", "yes")]] * 3
    few, many = agreement(calls), agreement(calls * 20)
    assert few.kappa == pytest.approx(many.kappa)
    assert few.low is not None and few.high is not None and many.low is not None and many.high is not None  # noqa: PT018
    assert few.low <= many.low < many.high <= few.high


def test_one_call_says_nothing_of_others() -> None:
    found = agreement([[("yes", "yes"), ("no", "no")]])
    assert (found.kappa, found.low, found.high) == (1.0, None, None)


def test_no_items_at_all() -> None:
    assert agreement([]).kappa is None
