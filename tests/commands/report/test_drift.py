"""Against runs before: what changed, and what is chance."""

from __future__ import annotations

import random
from typing import Any

import pytest

from commands.report.drift import OTHER, compare, holm, homogeneity, two_proportions, welch
from pipeline.config.areas.reporting import ReportSettings


def quality(calls: int = 400, wpm: float = 130.0, empty: int = 4, **mix: dict[str, int]) -> dict[str, Any]:
    return {
        "calls": calls,
        "empty": empty,
        "words_per_minute": {"calls": calls - empty, "mean": wpm, "variance": 400.0},
        "sentiment": mix.get("sentiment", {"neutral": calls // 2, "negative": calls // 4, "positive": calls // 4}),
        "topics": mix.get("topics", {"billing": calls // 2, "support": calls // 2}),
    }


def drifting(now: dict[str, Any], before: list[dict[str, Any]]) -> list[str]:
    return [test["what"] for test in compare(now, before, ReportSettings()) if test["drift"]]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (quality(), []),
        (quality(wpm=131), []),
        (quality(wpm=110), ["words per minute"]),
        (quality(empty=40), ["calls without a word"]),
        (quality(sentiment={"neutral": 100, "negative": 250, "positive": 50}), ["sentiment of the customer"]),
        (quality(topics={"billing": 390, "support": 10}), ["topics"]),
    ],
)
def test_drift_is_pointed_out_and_noise_is_not(now: dict[str, Any], expected: list[str]) -> None:
    assert drifting(now, [quality(), quality()]) == expected


def test_in_many_calls_a_trifle_is_significant_but_no_drift() -> None:
    now, before = quality(100_000, wpm=131, empty=1000), quality(100_000, empty=1000)
    words = compare(now, [before], ReportSettings())[0]
    assert words["p_value"] < 1e-9
    assert words["drift"] is False


def test_too_few_calls_are_not_compared() -> None:
    assert compare(quality(20), [quality()], ReportSettings()) == []
    assert compare(quality(), [], ReportSettings()) == []


def test_equal_nights_are_rarely_called_drift() -> None:
    """Nights drawn from one distribution: no more false alarms than the significance asks for (1 in 100, here 200)."""
    rng = random.Random(3)

    def night() -> dict[str, Any]:
        words = [rng.gauss(130, 20) for _ in range(200)]
        mean = sum(words) / 200
        labels = rng.choices(["neutral", "negative", "positive"], [5, 3, 2], k=200)
        topics = rng.choices("abcdef", k=200)
        return quality(200, empty=sum(rng.random() < 0.05 for _ in range(200))) | {
            "words_per_minute": {"calls": 200, "mean": mean, "variance": sum((w - mean) ** 2 for w in words) / 199},
            "sentiment": {label: labels.count(label) for label in set(labels)},
            "topics": {topic: topics.count(topic) for topic in set(topics)},
        }

    assert sum(bool(drifting(night(), [night(), night()])) for _ in range(200)) <= 6


def test_p_values_are_scipys() -> None:
    from scipy import stats

    p_value, _ = welch((30, 5.0, 4.0), (50, 6.0, 9.0))
    assert p_value == pytest.approx(stats.ttest_ind_from_stats(5, 2, 30, 6, 3, 50, equal_var=False).pvalue)
    table = [[30, 50, 20], [60, 30, 10]]
    p_value, w = homogeneity(dict(zip("abc", table[0], strict=True)), dict(zip("abc", table[1], strict=True)))
    expected = stats.chi2_contingency(table, correction=False)
    assert p_value == pytest.approx(expected.pvalue)
    assert w == pytest.approx((expected.statistic / 200) ** 0.5)
    p_value, _ = two_proportions(30, 100, 60, 120)
    assert p_value == pytest.approx(stats.chi2_contingency([[30, 70], [60, 60]], correction=False).pvalue)
    assert two_proportions(0, 10, 0, 20)[0] == 1.0


def test_rare_labels_are_pooled_and_too_few_make_no_test() -> None:
    assert homogeneity({"a": 50, "b": 1}, {"a": 50}) == (None, None)
    assert homogeneity({}, {"a": 50}) == (None, None)
    many = {"common": 60, **{f"rare{i}": 2 for i in range(20)}}
    p_value, _ = homogeneity(many, many)
    assert p_value == pytest.approx(1.0)
    assert OTHER not in many


def test_holm_stops_at_the_first_that_is_not_rejected() -> None:
    assert holm([0.01, 0.04, None, 0.03, 0.005], 0.05) == [True, False, False, False, True]
