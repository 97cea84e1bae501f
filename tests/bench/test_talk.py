"""Turns brought forward overlap by known times, and interruptions found are counted against them."""

from __future__ import annotations

import numpy as np
import pytest

from bench.materials.sound.overlapping import BroughtForward, with_overlaps
from bench.talk import matched, moments
from pipeline.judging.truth import TrueTurn

RATE_HZ = 1000
QUESTION = "what is the number of your account"


def turn(channel: int, start_s: float, end_s: float, text: str = QUESTION) -> TrueTurn:
    return TrueTurn(channel=channel, role=("client", "agent")[channel], start_s=start_s, end_s=end_s, text=text)


def sounding(turns: list[TrueTurn], length_s: float) -> np.ndarray:
    """Each turn with noise of its own, silence between."""
    call = np.zeros((2, round(length_s * RATE_HZ)), dtype=np.float32)
    for seed, one in enumerate(turns):
        sound = call[one.channel, round((one.start_s or 0) * RATE_HZ) : round((one.end_s or 0) * RATE_HZ)]
        sound[:] = np.random.default_rng(seed).uniform(-0.5, 0.5, sound.size)
    return call


def test_a_turn_brought_forward_sounds_as_before_at_its_new_time() -> None:
    turns = [turn(1, 1, 5), turn(0, 6, 9), turn(1, 10, 14), turn(0, 15, 15.5, "okay"), turn(1, 17, 21)]
    call, now, forward = with_overlaps(sounding(turns, 22), RATE_HZ, turns)
    assert forward == (
        BroughtForward("client", 4.0, 1.0, inside=False),
        BroughtForward("agent", 6.8, 0.2, inside=False),
        BroughtForward("client", 9.3, 1.5, inside=True),
    )
    sound = sounding(turns, 22)
    for before, after in zip(turns, now, strict=True):
        first, count = round((before.start_s or 0) * RATE_HZ), round((before.end_s or 0) * RATE_HZ)
        start = round((after.start_s or 0) * RATE_HZ)
        heard = call[after.channel, start : start + count - first]
        assert np.array_equal(heard, sound[before.channel, first:count]), after


def test_only_who_begins_well_before_the_end_and_goes_on_interrupts() -> None:
    turns = [turn(1, 1, 5), turn(0, 6, 9), turn(1, 10, 14), turn(0, 15, 15.5, "monday"), turn(1, 17, 21)]
    _, now, _ = with_overlaps(sounding(turns, 22), RATE_HZ, turns)
    assert moments(now) == {"client": (4.0,), "agent": ()}


@pytest.mark.parametrize(
    "turns",
    [
        [turn(1, 1, 5), turn(1, 6, 9)],
        [turn(1, 1, 5), turn(0, 4, 9)],
        [turn(1, 1, 1.4), turn(0, 2, 6)],
        [turn(1, 1, 5), turn(0, 5.1, 5.2, ""), turn(0, 5.3, 9)],
    ],
    ids=["same side", "overlaps already", "hardly begun", "noise before it"],
)
def test_no_turn_is_brought_forward_without_room(turns: list[TrueTurn]) -> None:
    call = sounding(turns, 10)
    made, now, forward = with_overlaps(call, RATE_HZ, turns)
    assert (made.shape, now, forward) == (call.shape, tuple(turns), ())


def test_turns_need_times() -> None:
    untimed = TrueTurn(channel=0, role=None, start_s=None, end_s=None, text="hello")
    with pytest.raises(ValueError, match="'hello' of the truth has no times"):
        with_overlaps(np.zeros((2, 10), dtype=np.float32), RATE_HZ, [untimed, untimed])


@pytest.mark.parametrize(
    ("true", "found", "counts"),
    [
        ([4.0], [4.3], (1, 0, 0)),
        ([4.0], [5.2], (0, 1, 1)),
        ([4.0, 4.5], [4.1], (1, 1, 0)),
        ([], [4.1], (0, 0, 1)),
    ],
)
def test_each_interruption_is_found_once_near_its_moment(
    true: list[float], found: list[float], counts: tuple[int, int, int]
) -> None:
    ours = matched({"client": true, "agent": []}, {"client": found, "agent": []})
    assert (ours["found"], ours["missed"], ours["false"]) == counts


def test_an_interruption_of_the_other_side_is_none_of_this_one() -> None:
    ours = matched({"client": [4.0], "agent": []}, {"client": [], "agent": [4.0]})
    assert ours == {"found": 0, "missed": 1, "false": 1}
