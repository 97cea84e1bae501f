"""An answer that is kept for a while: what changes slowly and costs a look at every call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """The value of `make`, made anew when it is older than `for_s` seconds. Safe from several threads: one makes it."""

    def __init__(self, make: Callable[[], Value], for_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._for_s = for_s
        self._now = now
        self._lock = threading.Lock()
        self._made: tuple[float, Value] | None = None

    def get(self) -> Value:
        with self._lock:
            if self._made is None or self._now() - self._made[0] > self._for_s:
                value = self._make()
                self._made = (self._now(), value)
            return self._made[1]
