"""Figures of merit against scikit-learn, and intervals that mean something."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.training.judging.measures import (
    calibration_error,
    compare,
    confusion,
    macro_f1,
    score,
    unweighted_recall,
)
from pipeline.intervals import draws, figure, interval_levels


def _random(items: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, items)
    logits = generator.standard_normal((items, 3)) + 2 * np.eye(3)[truth] * (generator.random((items, 1)) < 0.7)
    shares = np.exp(logits)
    return truth, shares / shares.sum(axis=1, keepdims=True)


def test_the_figures_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score, recall_score

    truth, shares = _random(500)
    answer = shares.argmax(axis=1)
    table = confusion(truth, answer, 3)[None]
    assert unweighted_recall(table)[0] == pytest.approx(recall_score(truth, answer, average="macro"))
    assert macro_f1(table)[0] == pytest.approx(f1_score(truth, answer, average="macro"))
    found = score(truth, shares, [str(at) for at in range(500)], 0)
    assert found.brier.value == pytest.approx(((shares - np.eye(3)[truth]) ** 2).sum(axis=1).mean())
    assert found.recall.low < found.recall.value < found.recall.high
    assert found.calibration_error is None


def test_calibration_error_is_given_from_two_thousand_items_up() -> None:
    truth, shares = _random(2_000)
    found = score(truth, shares, [str(at) for at in range(2_000)], 0)
    assert found.calibration_error == pytest.approx(calibration_error(truth, shares))
    certain = np.eye(3)[truth]
    assert calibration_error(truth, certain) == 0
    assert calibration_error((truth + 1) % 3, certain) == 1


def test_items_of_one_group_widen_the_interval() -> None:
    truth, shares = _random(300)
    order = np.argsort(shares.argmax(axis=1) == truth)
    alone = score(truth, shares, [str(at) for at in range(300)], 0).recall
    grouped = score(truth[order], shares[order], [str(at // 30) for at in range(300)], 0).recall
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_paired_comparison() -> None:
    truth, shares = _random(400)
    groups = [str(at) for at in range(400)]
    same = compare(truth, shares, shares, groups, 0)
    assert (same.recall.low, same.recall.high, same.verdict) == (0, 0, "not told apart from")
    perfect = np.eye(3)[truth]
    assert compare(truth, perfect, shares, groups, 0).verdict == "better than"
    assert compare(truth, shares, perfect, groups, 0).verdict == "worse than"


def test_the_levels_of_few_groups_are_those_of_students_t() -> None:
    """Hesterberg 2015: the level whose normal quantile is that of t, times the root of n over n - 1."""
    assert interval_levels(8) == pytest.approx((0.5738, 99.4262), abs=0.0005)
    assert interval_levels(20)[0] == pytest.approx(1.588, abs=0.001)


def test_many_groups_have_plain_percentiles() -> None:
    assert interval_levels(100_000) == pytest.approx((2.5, 97.5), abs=0.01)
    assert interval_levels(1) == (0.0, 100.0)


def test_intervals_of_two_to_four_groups_hold_the_truth() -> None:
    """With two groups the percentile interval was as narrow as the two, and held the truth half of the time."""
    generator = np.random.default_rng(4)
    for groups in (2, 3, 4):
        held = 0
        for _ in range(300):
            values = generator.normal(0.0, 1.0, groups)

            def mean(weights: np.ndarray, of: np.ndarray = values) -> np.ndarray:
                found: np.ndarray = (weights @ of) / weights.sum(axis=1)
                return found

            found = figure(draws(groups, 0)[:1], mean, groups)
            held += found.low <= 0.0 <= found.high
        assert 0.91 <= held / 300 <= 0.985, groups


def test_one_group_says_nothing_but_the_range() -> None:
    scores = score(np.asarray([0, 1, 2, 1]), np.eye(3)[[0, 1, 2, 2]], ["a"] * 4, 0)
    assert (scores.recall.low, scores.recall.high) == (0.0, 1.0)
    assert (scores.brier.low, scores.brier.high) == (0.0, 2.0)


def test_two_groups_give_no_certainty_about_a_gain() -> None:
    truth = np.asarray([0, 1, 2] * 10)
    good, bad = np.eye(3)[truth], np.eye(3)[(truth + (np.arange(30) % 5 == 0)) % 3]
    gain = compare(truth, good, bad, ["a"] * 15 + ["b"] * 15, 0)
    assert -1.0 <= gain.recall.low <= gain.recall.value <= gain.recall.high <= 1.0
