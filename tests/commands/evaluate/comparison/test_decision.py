"""The rules of the recommendation, each on figures made for it."""

from __future__ import annotations

import pytest

from commands.evaluate.comparison.decision import Decision, decide
from commands.evaluate.comparison.running import SystemResult
from commands.evaluate.comparison.systems import PLAIN
from tests.commands.evaluate.comparison.made_up import CALLS, comparison, result, system

MANY, FEW = [10, 12, 9, 14, 11, 10, 13, 12], [5, 7, 4, 9, 6, 5, 8, 7]


def decided(names: list[str], *results: SystemResult) -> Decision:
    systems = [system(name) for name in names]
    return decide(comparison(systems, *results), systems)


def test_fewer_errors_beyond_noise_win_though_they_cost_more() -> None:
    found = decided(["a", "b"], result(MANY, 3.0), result(FEW, 9.0))
    assert found.choice == "b"
    assert found.recommendation.startswith("Change to b: it makes fewer errors")
    assert "b takes 3.0 times the processor time of a." in found.trade_offs


def test_more_errors_beyond_noise_lose_though_they_are_cheap() -> None:
    found = decided(["a", "b"], result(FEW, 9.0), result(MANY, 3.0))
    assert (found.choice, found.recommendation) == ("a", "Keep a: the other makes more errors.")


def test_the_same_errors_for_clearly_less_work_are_a_reason_to_change() -> None:
    found = decided(["a", "b"], result(FEW, 9.0), result(FEW, 3.0))
    assert found.choice == "b"
    assert "33% of the processor time" in found.recommendation


def test_a_difference_within_noise_changes_nothing() -> None:
    found = decided(["a", "b"], result([5, 7, 4, 9, 6, 5, 8, 7]), result([7, 5, 6, 7, 8, 3, 9, 6]))
    assert (found.choice, found.recommendation) == ("a", "Keep a: no other is better beyond noise.")
    assert "within noise" in found.reasons[0]


def test_few_calls_never_show_a_difference() -> None:
    found = decided(["a", "b"], result(MANY[:5]), result(FEW[:5]))
    assert found.choice == "a"
    assert "under 6 calls nothing is beyond noise" in found.reasons[0]
    assert any("Only 5 calls" in caution for caution in found.cautions)
    assert any("3 calls with truth could not be compared" in caution for caution in found.cautions)


@pytest.mark.parametrize(
    ("ours", "plain", "begin"),
    [
        (FEW, MANY, "Keep a: it makes fewer errors than the library inside it"),
        (MANY, FEW, "Do not rely on a yet"),
        (FEW[:5], MANY[:5], "Keep a for now: 5 calls cannot show"),
        (FEW, FEW, "Keep a: its errors and those of the library inside it are the same within noise"),
    ],
)
def test_one_configuration_is_judged_by_the_baseline(ours: list[int], plain: list[int], begin: str) -> None:
    assert decided([PLAIN, "a"], result(plain), result(ours)).recommendation.startswith(begin)


def test_a_choice_that_hears_less_than_the_library_inside_it_is_pointed_out() -> None:
    found = decided([PLAIN, "a", "b"], result([0] * CALLS), result(MANY), result(FEW))
    assert found.choice == "b", "the baseline itself is never the choice"
    assert any("more errors than the library inside it" in caution for caution in found.cautions)


def test_no_call_in_common_decides_nothing() -> None:
    found = decided(["a", "b"], result(MANY), SystemResult(failures={"call-0": "broken"}))
    assert found.choice is None


def test_reused_transcripts_without_measured_effort_are_told() -> None:
    found = decided(["a", "b"], result(MANY), result(MANY, None, reused=CALLS))
    assert found.choice == "a", "without effort nothing is cheaper"
    assert "b: 8 transcripts made earlier (0 of 8 with measured effort)." in found.cautions
