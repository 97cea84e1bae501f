"""The one way to retry: waits double, with jitter in their upper half, so that many clients do not retry at once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import tenacity

_SPARE_S = 0.01
"""A try that begins this close to the deadline would have no time."""


def retrying(
    worth: Callable[[BaseException], bool],
    *,
    first_wait_s: float,
    longest_wait_s: float,
    attempts: int | None = None,
    for_s: float | None = None,
    asked_s: Callable[[BaseException], float | None] = lambda _: None,
    tell: Callable[[BaseException, int, float], None] | None = None,
    given_up: threading.Event | None = None,
) -> tenacity.Retrying:
    """Call it with a function and its arguments: it calls the function until no error `worth` another try is raised.

    Raises what the last try raised.

    Args:
        attempts: at most so many tries.
        for_s: no try begins later than this after the first.
        asked_s: seconds that the error itself asks to wait; the wait is never shorter.
        tell: called before each wait with the error, the number of the next try and the seconds until then.
        given_up: ends the waiting; the last error is raised then.
    """
    given_up = given_up or threading.Event()
    deadline = None if for_s is None else time.monotonic() + for_s

    def wait_s(state: tenacity.RetryCallState) -> float:
        return max(pause_s(state.attempt_number, first_wait_s, longest_wait_s), asked_s(_error(state)) or 0.0)

    def over(state: tenacity.RetryCallState) -> bool:
        late = deadline is not None and time.monotonic() + state.upcoming_sleep + _SPARE_S > deadline
        return late or given_up.is_set() or (attempts is not None and state.attempt_number >= attempts)

    def before_sleep(state: tenacity.RetryCallState) -> None:
        if tell is not None:
            tell(_error(state), state.attempt_number + 1, state.upcoming_sleep)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(worth),
        wait=wait_s,
        stop=over,
        sleep=tenacity.sleep_using_event(given_up),
        before_sleep=before_sleep,
        reraise=True,
    )


def pause_s(tries: int, first_wait_s: float, longest_wait_s: float) -> float:
    """How long to wait after so many tries, at least one."""
    longest = min(longest_wait_s, first_wait_s * 2.0 ** min(tries - 1, 60))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load


def _error(state: tenacity.RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome else None
    assert error is not None
    return error
