"""Against runs before: what changed, and what is chance."""

from __future__ import annotations

import math
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
    assert holm([0.05], 0.05) == [True]
    assert holm([0.0625, 0.03125], 0.0625) == [True, True]


def test_a_comparison_says_what_it_compared() -> None:
    now = quality(100, empty=2, sentiment={"neutral": 50, "negative": 49, "odd": 1}, topics={})
    before = [
        quality(100, wpm=120.0, empty=1, sentiment={"neutral": 60, "negative": 40}, topics={"a": 10}),
        quality(300, wpm=140.0, empty=3, sentiment={"neutral": 1}, topics={"b": 20}) | {"sentiment": None},
    ]
    words, empty, sentiment, topics = compare(now, before, ReportSettings())
    assert {key: words[key] for key in ("what", "method", "now", "before", "effect_name", "reason")} == {
        "what": "words per minute",
        "method": "Welch's t-test",
        "now": "130 a minute in 98 calls",
        "before": "135 a minute in 396 calls",
        "effect_name": "d",
        "reason": None,
    }
    assert words["effect"] == pytest.approx((130 - 135) / pooled(98, 400.0, 396, (394 * 400 + 29700) / 395) ** 0.5)
    assert (empty["what"], empty["method"], empty["now"], empty["before"], empty["effect_name"]) == (
        "calls without a word", "two-proportion z-test", "2 of 100 (2.0%)", "4 of 400 (1.0%)", "h",
    )  # fmt: skip
    assert tuple(sentiment[key] for key in ("what", "method", "now", "before", "effect_name")) == (
        "sentiment of the customer", "chi-squared test of homogeneity", "neutral 50%, negative 49%, odd 1%",
        "neutral 60%, negative 40%", "w",
    )  # fmt: skip
    assert sentiment["reason"] is None
    assert (topics["now"], topics["before"], topics["p_value"], topics["effect"]) == (
        "none",
        "b 67%, a 33%",
        None,
        None,
    )
    assert (topics["reason"], topics["drift"]) == ("fewer than two labels occur often enough", False)


def pooled(n: int, variance: float, m: int, other: float) -> float:
    return ((n - 1) * variance + (m - 1) * other) / (n + m - 2)


@pytest.mark.parametrize(("now", "before", "compared"), [(50, 50, 4), (49, 50, 0), (50, 49, 0), (500, 25, 0)])
def test_both_sides_need_enough_calls(now: int, before: int, compared: int) -> None:
    options = ReportSettings(drift_min_calls=50)
    assert len(compare(quality(now), [quality(before)], options)) == compared
    assert len(compare(quality(now), [quality(25), quality(before - 25)], options)) == compared


@pytest.mark.parametrize("spoken", [0, 1])
def test_one_call_with_speech_has_no_mean_to_compare(spoken: int) -> None:
    silent = quality() | {"words_per_minute": {"calls": spoken, "mean": 120.0, "variance": None}}
    for now, before in ((silent, quality()), (quality(), silent)):
        words = compare(now, [before], ReportSettings())[0]
        assert words["reason"] == "under two calls with speech on one side"
        assert "none" in (words["now"], words["before"])


def test_equal_words_without_any_variance_are_no_drift() -> None:
    assert welch((5, 100.0, 0.0), (5, 100.0, 0.0)) == (1.0, 0.0)
    assert welch((5, 101.0, 0.0), (5, 100.0, 0.0)) == (0.0, float("inf"))


def test_effects_are_cohens() -> None:
    _, d = welch((30, 5.0, 4.0), (50, 6.0, 9.0))
    assert d == pytest.approx(-1.0 / ((29 * 4 + 49 * 9) / 78) ** 0.5)
    assert two_proportions(25, 100, 60, 120)[1] == pytest.approx(-math.pi / 6)
    _, h = two_proportions(25, 100, 0, 120)
    assert h == pytest.approx(2 * 0.5235987755982989)


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [
        ({"a": 10, "b": 10}, {"a": 10, "b": 10}, True),
        ({"a": 10, "b": 4}, {"a": 10, "b": 5}, False),
        ({"a": 10, "b": 5}, {"a": 10, "b": 5}, True),
        ({"a": 10, "b": 3, "c": 3}, {"a": 10, "b": 3, "c": 3}, True),
        ({"a": 10, "b": 1, "c": 1}, {"a": 10, "b": 1, "c": 1}, False),
        ({"b": 10}, {}, False),
    ],
)
def test_a_label_needs_five_expected(mine: dict[str, int], theirs: dict[str, int], told: bool) -> None:
    assert (homogeneity(mine, theirs)[0] is not None) is told
