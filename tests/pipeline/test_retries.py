"""Trying again: what is worth it, how often, how long the waits are, what ends them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pipeline.errors import InvalidReply, SourceUnreadable, TransientError
from pipeline.retries import retrying


class Failing:
    """Raises the given errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.tries = 0

    def __call__(self, answer: str) -> str:
        self.tries += 1
        if self._errors:
            raise self._errors.pop(0)
        return answer


def passing(error: BaseException) -> bool:
    return isinstance(error, TransientError)


def test_passing_errors_are_tried_again_and_final_ones_are_not() -> None:
    work = Failing(TransientError("a"), SourceUnreadable("b"))
    assert retrying(passing, first_wait_s=0, longest_wait_s=0)(work, "done") == "done"
    assert work.tries == 3
    work = Failing(TransientError("a"), InvalidReply("final"), TransientError("c"))
    with pytest.raises(InvalidReply, match="final"):
        retrying(passing, first_wait_s=0, longest_wait_s=0)(work, "done")
    assert work.tries == 2


def test_the_last_error_is_raised_when_the_tries_are_used_up() -> None:
    work = Failing(*(TransientError(str(number)) for number in range(1, 9)))
    with pytest.raises(TransientError, match="4"):
        retrying(passing, first_wait_s=0, longest_wait_s=0, attempts=4)(work, "done")
    assert work.tries == 4


def told(asked_s: Callable[[BaseException], float | None] = lambda _: None) -> list[tuple[str, int, float]]:
    """What is told of five waits that are not waited for."""
    waits: list[tuple[str, int, float]] = []
    stop = threading.Event()

    def tell(error: BaseException, number: int, wait_s: float) -> None:
        waits.append((str(error), number, wait_s))

    again = retrying(
        passing, first_wait_s=1.0, longest_wait_s=6.0, attempts=6, asked_s=asked_s, tell=tell, given_up=stop
    )
    again.sleep = lambda _: None
    with pytest.raises(TransientError):
        again(Failing(*(TransientError(str(number)) for number in range(1, 7))), "done")
    return waits


def test_waits_double_with_jitter_up_to_the_longest() -> None:
    waits = told()
    assert [(error, number) for error, number, _ in waits] == [(str(n), n + 1) for n in range(1, 6)]
    for (_, _, wait_s), longest in zip(waits, (1.0, 2.0, 4.0, 6.0, 6.0), strict=True):
        assert longest / 2 <= wait_s <= longest


def test_the_wait_is_never_shorter_than_the_service_asked_for() -> None:
    assert [wait_s for _, _, wait_s in told(asked_s=lambda error: 20.0)] == [20.0] * 5


def test_no_try_begins_after_the_time_is_over() -> None:
    work = Failing(TransientError("a"), TransientError("b"))
    with pytest.raises(TransientError, match="a"):
        retrying(passing, first_wait_s=3600, longest_wait_s=3600, for_s=60)(work, "done")
    assert work.tries == 1


def test_giving_up_ends_the_waiting() -> None:
    stop = threading.Event()
    again = retrying(passing, first_wait_s=3600, longest_wait_s=3600, given_up=stop, tell=lambda *_: stop.set())
    work = Failing(TransientError("a"), TransientError("b"))
    with pytest.raises(TransientError, match="b"):
        again(work, "done")
    assert work.tries == 2
