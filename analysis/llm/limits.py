"""What a run may send: per minute for the service's quota, and in all for the owner's budget."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ServiceUnavailable
from pipeline.purse import SharedPurse

_WINDOW_S = 60.0


class CeilingReached(ServiceUnavailable):
    """The run's ceiling of cost or tokens leaves no room for this request; a later run may send it."""


class QuotaWait(ServiceUnavailable):
    """The per-minute quota leaves no room before the request's time is up."""


class MinuteWindow:
    """At most `limit` units in any 60 s, over all threads.

    Exact, unlike a token bucket, whose first minute may see twice its rate.
    """

    def __init__(
        self,
        limit: float | None,
        what: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit = limit
        self._what = what
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._spent: deque[tuple[float, float]] = deque()

    def take(self, units: float, within_s: float) -> None:
        """Wait until `units` fit. Raises QuotaWait at once when that would take longer than `within_s`."""
        if self._limit is None:
            return
        units = min(units, self._limit)
        deadline = self._clock() + within_s
        while True:
            with self._lock:
                now = self._clock()
                wait = self._wait_s(units, now)
                if wait <= 0:
                    self._spent.append((now, units))
                    return
            if now + wait > deadline:
                raise QuotaWait(f"{self._what}: the quota of {self._limit:g} a minute is used up for {wait:.0f} s more")
            self._sleep(wait)

    def _wait_s(self, units: float, now: float) -> float:
        limit = self._limit or 0.0
        while self._spent and self._spent[0][0] <= now - _WINDOW_S:
            self._spent.popleft()
        excess = sum(amount for _, amount in self._spent) + units - limit
        for spent_at, amount in self._spent:
            if excess <= 1e-9:
                break
            excess -= amount
            if excess <= 1e-9:
                return max(spent_at + _WINDOW_S - now, 1e-3)
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Tokens and money of one attempt; cost None when the price is unknown."""

    tokens_in: int
    tokens_out: int
    cost_usd: float | None


class Ceiling:
    """Tokens and cost of a whole run. Room is set aside before sending, so parallel requests cannot overshoot.

    With a ledger (a small file) it holds over all processes of the run that share it, and over their restarts: what a
    killed process had set aside stays taken.
    """

    def __init__(self, max_cost_usd: float | None, max_tokens: int | None, ledger: Path | None = None) -> None:
        self._max_cost_usd = max_cost_usd
        self._max_tokens = max_tokens
        self._purse = SharedPurse(ledger)

    @property
    def cost_usd(self) -> float:
        return self._purse.now.cost_usd

    @property
    def tokens(self) -> int:
        return self._purse.now.units

    def set_aside(self, most: Spending) -> None:
        """Raises CeilingReached when `most` does not fit."""
        tokens, cost = most.tokens_in + most.tokens_out, most.cost_usd or 0.0
        with self._purse.open() as purse:
            if self._max_tokens is not None and purse.units + tokens > self._max_tokens:
                raise CeilingReached(
                    f"llm.max_tokens {self._max_tokens} leaves no room for {tokens} more "
                    f"(spent or under way: {purse.units})"
                )
            if self._max_cost_usd is not None and purse.cost_usd + cost > self._max_cost_usd:
                raise CeilingReached(
                    f"llm.max_cost_usd {self._max_cost_usd:g} leaves no room for {cost:.4f} more "
                    f"(spent or under way: {purse.cost_usd:.4f})"
                )
            purse.units += tokens
            purse.cost_usd += cost

    def settle(self, most: Spending, spent: Spending | None) -> None:
        """Replace what was set aside by what was spent; None for nothing."""
        with self._purse.open() as purse:
            purse.units -= most.tokens_in + most.tokens_out
            purse.cost_usd -= most.cost_usd or 0.0
            if spent is not None:
                purse.units += spent.tokens_in + spent.tokens_out
                purse.cost_usd += spent.cost_usd or 0.0
