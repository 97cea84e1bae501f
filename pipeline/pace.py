"""What is done again and again, though not all the time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Pace:
    """Says when it is time: at once, and then whenever `every_s` seconds have gone by."""

    def __init__(self, every_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._now = now
        self._next = -math.inf

    def is_due(self) -> bool:
        """True once; the next time is counted from here."""
        now = self._now()
        if now < self._next:
            return False
        self._next = now + self._every_s
        return True
