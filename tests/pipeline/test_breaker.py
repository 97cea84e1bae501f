"""The breaker: when it opens, whom it lets through, when it closes."""

from __future__ import annotations

import pytest

from pipeline.breaker import Breaker, BreakerOpen


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def opened(failures: int = 3) -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker("the server", failures, 30.0, clock)
    for _ in range(failures):
        breaker.check()
        breaker.failed("503")
    return breaker, clock


def test_it_opens_after_failures_in_a_row_and_says_the_last() -> None:
    breaker, _ = opened()
    with pytest.raises(
        BreakerOpen, match="the server: left alone for 30 s more after repeated failures, the last: 503"
    ):
        breaker.check()


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker("the server", 2, 30.0)
    for _ in range(5):
        breaker.failed("503")
        breaker.succeeded()
        breaker.check()


def test_after_the_pause_one_trial_goes_and_the_others_wait() -> None:
    breaker, clock = opened()
    clock.now_s += 29.9
    with pytest.raises(BreakerOpen):
        breaker.check()
    clock.now_s += 0.1
    breaker.check(claim_trial=False)
    breaker.check()
    with pytest.raises(BreakerOpen, match="30 s"):
        breaker.check()


def test_a_trial_that_fails_opens_it_again_at_once() -> None:
    breaker, clock = opened()
    clock.now_s += 30.0
    breaker.check()
    clock.now_s += 10.0
    breaker.failed("504")
    with pytest.raises(BreakerOpen, match=r"30 s more.*504"):
        breaker.check()


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker, clock = opened()
    clock.now_s += 30.0
    breaker.check()
    breaker.succeeded()
    for _ in range(5):
        breaker.check()


def test_the_pause_doubles_with_every_trial_that_fails_up_to_the_longest() -> None:
    clock = Clock()
    breaker = Breaker("the server", 2, 30.0, clock, longest_pause_s=100.0)
    breaker.failed("503")
    breaker.check()
    for pause_s in (30.0, 60.0, 100.0, 100.0):
        breaker.failed("503")
        clock.now_s += pause_s - 0.1
        with pytest.raises(BreakerOpen):
            breaker.check()
        clock.now_s += 0.1
        breaker.check()
    breaker.succeeded()
    breaker.failed("503")
    breaker.failed("503")
    clock.now_s += 30.0
    breaker.check()
