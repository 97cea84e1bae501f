"""A service that fails again and again is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pipeline.errors import ServiceUnavailable


class BreakerOpen(ServiceUnavailable):
    """The service failed again and again and is left alone for a while."""


class Breaker:
    """Opens after `failures` in a row; after `pause_s` one trial decides. Thread-safe.

    Args:
        longest_pause_s: the pause doubles with every trial that fails, up to this; None for a pause that stays.
    """

    def __init__(
        self,
        name: str,
        failures: int,
        pause_s: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        longest_pause_s: float | None = None,
    ) -> None:
        self._name = name
        self._failures_to_open = failures
        self._pause_s = pause_s
        self._longest_pause_s = pause_s if longest_pause_s is None else max(pause_s, longest_pause_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at = 0.0
        self._last_failure = ""

    def check(self, *, claim_trial: bool = True) -> None:
        """Raises BreakerOpen. Once the pause is over, the first caller gets the trial; the others are still refused."""
        with self._lock:
            if self._failures < self._failures_to_open:
                return
            left_s = self._opened_at + self._pause_now_s() - self._clock()
            if left_s > 0:
                raise BreakerOpen(
                    f"{self._name}: left alone for {left_s:.0f} s more after repeated failures, "
                    f"the last: {self._last_failure}"
                )
            if claim_trial:
                self._opened_at = self._clock()

    def succeeded(self) -> None:
        """The service answered, even if it refused."""
        with self._lock:
            self._failures = 0

    def failed(self, why: str) -> None:
        """The service did not answer."""
        with self._lock:
            self._failures += 1
            self._opened_at = self._clock()
            self._last_failure = why

    def _pause_now_s(self) -> float:
        trials = min(self._failures - self._failures_to_open, 60)
        return min(self._longest_pause_s, self._pause_s * 2.0**trials)
