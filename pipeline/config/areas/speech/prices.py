"""What a transcription service charges, for engines that send audio to one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from pipeline.config.base import Area
from pipeline.config.influence import NOTHING


class PaidByTheMinute(Area):
    """Options of an engine whose service is paid by the minute."""

    usd_per_minute: Annotated[float | None, Field(ge=0), NOTHING] = None
    """Price of a minute of audio in US dollars; null when unknown: the cost is then NULL. 0 for your own server."""
    bills_each_channel: Annotated[bool, NOTHING] = False
    """Whether a recording of two channels costs twice its length."""
    billed_at_least_s: Annotated[float, Field(ge=0, le=3600), NOTHING] = 0.0
    """Seconds the service charges for a request that is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a request costs."""

    usd_per_minute: float | None
    """None where it is unknown."""
    bills_each_channel: bool = False
    billed_at_least_s: float = 0.0

    def billed_s(self, duration_s: float, channels: int = 1) -> int:
        """Seconds charged for one request: begun seconds count, so that a ceiling is never crossed by rounding."""
        if duration_s <= 0:
            return 0
        each = math.ceil(max(duration_s, self.billed_at_least_s))
        return each * (channels if self.bills_each_channel else 1)

    def cost_usd(self, duration_s: float, channels: int = 1) -> float | None:
        """Of one request; None where the price is unknown."""
        if self.usd_per_minute is None:
            return None
        return self.billed_s(duration_s, channels) * self.usd_per_minute / 60


NO_SERVICE = Price(usd_per_minute=0.0)
"""Of an engine on this machine: nobody is paid for its work."""
