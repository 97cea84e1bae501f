"""The rules of the recommendation, each on figures made for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.evaluate.comparison.decision import Decision, decide, verdict
from commands.evaluate.comparison.running import SystemResult
from commands.evaluate.comparison.systems import PLAIN, System
from pipeline.intervals import Share
from tests.commands.evaluate.comparison.made_up import CALLS, comparison, result, system

MANY, FEW = [10, 12, 9, 14, 11, 10, 13, 12], [5, 7, 4, 9, 6, 5, 8, 7]


def decided(names: list[str], *results: SystemResult) -> Decision:
    systems = [system(name) for name in names]
    return decide(comparison(systems, *results), systems)


def test_fewer_errors_beyond_noise_win_though_they_cost_more() -> None:
    found = decided(["a", "b"], result(MANY, 3.0), result(FEW, 9.0))
    assert found.choice == "b"
    assert found.recommendation.startswith("Change to b: it makes fewer errors")
    assert "b takes 3.0 times the processor time of a for recognition." in found.reasons
    assert "a takes 33% of the processor time of b; its word error rate may be up to 0.100 higher." in found.trade_offs


def test_more_errors_beyond_noise_lose_though_they_are_cheap() -> None:
    found = decided(["a", "b"], result(FEW, 9.0), result(MANY, 3.0))
    assert (found.choice, found.recommendation) == ("a", "Keep a: the other makes more errors.")


def test_the_same_errors_for_clearly_less_work_are_a_reason_to_change() -> None:
    found = decided(["a", "b"], result(FEW, 9.0), result(FEW, 3.0))
    assert found.choice == "b"
    assert "33% of the processor time" in found.recommendation


def priced(name: str, usd_per_minute: float | None) -> System:
    return system(
        name,
        transcription={"openai_audio": {"usd_per_minute": usd_per_minute}},
        reporting={"machine_usd_per_hour": 0.5},
    )


@pytest.mark.parametrize(
    ("usd_per_minute", "choice", "told"),
    [
        pytest.param(None, "local", "", id="nobody knows what it costs"),
        pytest.param(0.006, "local", "", id="dearer"),
        pytest.param(0.0001, "service", "takes 26% of the cost", id="cheaper"),
    ],
)
def test_a_service_that_hears_as_well_is_chosen_for_what_it_costs_and_not_for_work_it_does_elsewhere(
    usd_per_minute: float | None, choice: str, told: str
) -> None:
    systems = [priced("local", None), priced("service", usd_per_minute)]
    made = comparison(systems, result(FEW, 9.0, wall_s=6.0), result(FEW, 0.1, engine="openai_audio", wall_s=1.2))
    found = decide(made, systems)
    assert found.choice == choice
    assert told in found.recommendation


def test_a_service_that_hears_better_is_told_with_its_price() -> None:
    known, unknown = [priced("local", None), priced("service", 0.006)], [system("local"), system("service")]
    results = result(MANY), result(FEW, 0.1, engine="openai_audio")
    with_price = decide(comparison(known, *results), known)
    assert with_price.choice == "service"
    assert "service costs 0.4600 US dollars per audio hour where local costs 0.1000." in with_price.trade_offs
    without = decide(comparison(unknown, *results), unknown).trade_offs
    assert "service sends audio to a service, and what it costs is not known (usd_per_minute)." in without


def test_what_takes_longer_on_the_clock_is_told() -> None:
    found = decided(["a", "b"], result(MANY), result(FEW, wall_s=12.0))
    assert "b takes 24.0 s on the clock for a minute of call where a takes 12.0 s." in found.trade_offs


def test_what_would_be_cheaper_if_it_were_as_good_is_told() -> None:
    found = decided(["a", "b"], result(FEW[:4], 9.0), result(FEW[:4], 3.0))
    assert found.choice == "a"
    assert found.trade_offs == (
        "b takes 33% of the processor time of a; its word error rate may be up to 0.000 higher.",
    )


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


@pytest.mark.parametrize(
    ("value", "figure", "words"),
    [
        (None, "wer", "not measured"),
        (Share(0.02, None, None, 1), "wer", "+0.0200; one call says nothing about others"),
        (Share(0.02, 0.01, 0.03, 5), "wer", "+0.0200 [+0.0100, +0.0300]; under 6 calls nothing is beyond noise"),
        (Share(0.02, 0.01, 0.03, 6), "wer", "+0.0200 [+0.0100, +0.0300], worse beyond noise"),
        (Share(-0.02, -0.03, -0.01, 6), "wer", "-0.0200 [-0.0300, -0.0100], better beyond noise"),
        (Share(0.02, 0.01, 0.03, 6), "names", "+0.0200 [+0.0100, +0.0300], better beyond noise"),
        (Share(-0.02, -0.03, -0.01, 6), "names", "-0.0200 [-0.0300, -0.0100], worse beyond noise"),
        (Share(0.02, 0.0, 0.03, 6), "wer", "+0.0200 [+0.0000, +0.0300], within noise"),
        (Share(-0.02, -0.03, 0.0, 6), "wer", "-0.0200 [-0.0300, +0.0000], within noise"),
    ],
)
def test_a_difference_in_words(value: Share | None, figure: str, words: str) -> None:
    assert verdict(value, figure) == words


def with_memory(gigabytes: float, machines: tuple[str, ...] = ("a machine",)) -> SystemResult:
    """FEW errors; the calls were made on these machines in turn."""
    made = result(FEW)
    return replace(
        made,
        calls={
            name: replace(
                call,
                effort=call.effort
                and replace(
                    call.effort,
                    peak_memory_bytes=round(gigabytes * 10**9),
                    machine=machines[number % len(machines)],
                ),
            )
            for number, (name, call) in enumerate(made.calls.items())
        },
    )


@pytest.mark.parametrize(("own", "told"), [(4.0, False), (5.0, False), (5.1, True), (9.0, True)])
def test_memory_counts_where_the_other_needs_less_than_four_fifths(own: float, told: bool) -> None:
    found = decided(["a", "b"], with_memory(own), with_memory(4.0))
    assert found.choice == "a"
    assert found.trade_offs == ((f"a needs {own:.1f} GB of memory where b needs 4.0 GB.",) if told else ())


@pytest.mark.parametrize(("processor_s", "choice"), [(10.0, "a"), (8.1, "a"), (8.0, "b"), (3.0, "b")])
def test_four_fifths_of_the_work_are_clearly_less(processor_s: float, choice: str) -> None:
    assert decided(["a", "b"], result(FEW, 10.0), result(FEW, processor_s)).choice == choice


def test_several_machines_and_several_recognisers_are_told() -> None:
    one, several = with_memory(4.0), with_memory(4.0, ("desk", "laptop"))
    calls = dict(several.calls)
    calls["call-0"] = replace(calls["call-0"], heard=replace(calls["call-0"].heard, engine="sphinx"))
    found = decided(["a", "b"], one, replace(several, calls=calls))
    assert found.cautions[1:] == (
        "b used 2 recognisers: scripted, m@no revision; sphinx, m@no revision.",
        "b was measured on several machines: desk; laptop.",
    )
