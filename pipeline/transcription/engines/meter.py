"""What a run's requests to a transcription service cost, and the ceiling that none of them may cross."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from pipeline.config.areas.speech.prices import NO_SERVICE, Price
from pipeline.errors import ServiceUnavailable
from pipeline.purse import SharedPurse


class CostCeilingReached(ServiceUnavailable):
    """The run's ceiling leaves no room for this request; a later run may send it."""


class Meter:
    """Sets aside what a request may cost before it is sent, so that parallel ones cannot exceed the ceiling."""

    def __init__(
        self, price: Price = NO_SERVICE, max_cost_usd: float | None = None, purse: SharedPurse | None = None
    ) -> None:
        self._price = price
        self._max_cost_usd = max_cost_usd
        self._purse = purse or SharedPurse()

    @contextmanager
    def request(self, duration_s: float, channels: int = 1) -> Iterator[None]:
        """Around one attempt. It is charged, unless it ends with NotCharged: the service surely did not do the work.

        Raises CostCeilingReached before anything is sent.
        """
        cost, billed_s = self._price.cost_usd(duration_s, channels) or 0.0, self._price.billed_s(duration_s, channels)
        with self._purse.open() as purse:
            if self._max_cost_usd is not None and purse.cost_usd + cost > self._max_cost_usd:
                raise CostCeilingReached(
                    f"transcription.max_cost_usd {self._max_cost_usd:g} leaves no room for {cost:.4f} more (spent or "
                    f"under way: {purse.cost_usd:.4f})"
                )
            purse.cost_usd += cost
            purse.units += billed_s
        try:
            yield
        except NotCharged:
            with self._purse.open() as purse:
                purse.cost_usd -= cost
                purse.units -= billed_s
            raise


class NotCharged(Exception):
    """Mixed into the errors of requests that a service refused or never got."""


@runtime_checkable
class Metered(Protocol):
    """An engine whose service is paid by the minute."""

    meter: Meter
