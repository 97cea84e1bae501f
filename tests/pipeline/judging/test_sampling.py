"""Which calls are drawn for people to correct."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.judging.sampling import Candidate, draw


def candidate(number: int, *, agent: str | None = "A", doubtful: bool = False, model: str = "base") -> Candidate:
    return Candidate(
        call_id=f"call-{number}", transcript_fingerprint=f"t{number}", engine="e", model=model, agent_id=agent,
        doubtful=doubtful,
    )  # fmt: skip


POOLS = st.lists(
    st.builds(
        candidate,
        st.integers(0, 10_000),
        agent=st.sampled_from([None, "A", "B", "C"]),
        doubtful=st.booleans(),
        model=st.sampled_from(["base", "small"]),
    ),
    unique_by=lambda one: one.call_id,
    max_size=60,
)


@given(POOLS, st.integers(0, 30), st.text(max_size=5), st.randoms(use_true_random=False))
def test_as_many_as_wanted_each_once_whatever_the_order(
    pool: list[Candidate], wanted: int, seed: str, order: random.Random
) -> None:
    drawn = draw(pool, wanted, seed)
    calls = [one.candidate.call_id for one in drawn]
    assert len(calls) == min(wanted, len(pool))
    assert len(set(calls)) == len(calls)
    shuffled = list(pool)
    order.shuffle(shuffled)
    assert draw(shuffled, wanted, seed) == drawn, "the same seed draws the same calls"


@given(POOLS, st.integers(1, 30), st.text(max_size=5))
def test_weights_add_up_to_the_calls_of_each_kind_drawn(pool: list[Candidate], wanted: int, seed: str) -> None:
    drawn = draw(pool, wanted, seed)
    sizes = Counter(one.stratum for one in pool)
    weights: Counter[object] = Counter()
    for one in drawn:
        weights[one.candidate.stratum] += one.weight  # type: ignore[assignment]
    assert all(abs(weight - sizes[stratum]) < 1e-9 for stratum, weight in weights.items())  # type: ignore[index]


def test_rare_kinds_are_drawn_as_well() -> None:
    """Ten of a thousand calls in doubt, and five by another model, would hardly be in a plain sample of eight."""
    pool = [candidate(number) for number in range(985)]
    pool += [candidate(number, doubtful=True) for number in range(1000, 1010)]
    pool += [candidate(number, model="small") for number in range(2000, 2005)]
    kinds = Counter(one.candidate.stratum for one in draw(pool, 9, "night"))
    assert kinds == {("e", "base", False): 3, ("e", "base", True): 3, ("e", "small", False): 3}


def test_agents_are_spread() -> None:
    """Twenty agents with five calls each: ten draws are of ten agents."""
    pool = [candidate(number, agent=f"agent {number % 20}") for number in range(100)]
    assert len({one.candidate.agent_id for one in draw(pool, 10, "night")}) == 10


def test_another_night_draws_others() -> None:
    pool = [candidate(number) for number in range(100)]
    one, other = (
        {each.candidate.call_id for each in draw(pool, 10, night)} for night in ("0 2026-11-25", "0 2026-11-26")
    )
    assert one != other


def test_every_call_is_as_likely_as_the_others() -> None:
    pool = [candidate(number, agent="busy" if number < 30 else f"{number}") for number in range(40)]
    times = Counter(one.candidate.call_id for seed in range(2_000) for one in draw(pool, 4, str(seed)))
    expected = 2_000 * 4 / 40
    assert all(abs(times[one.call_id] - expected) < 6 * expected**0.5 for one in pool)


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        draw([], -1, "")
