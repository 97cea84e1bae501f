"""Cached answers, for what changes slowly and would cost a look at every call."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

Value = TypeVar("Value")
Key = TypeVar("Key", bound=Hashable)


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


class KeptBy(Generic[Key, Value]):
    """The same for several keys: the values of `make(key)`, of the `most` keys that were asked for last."""

    def __init__(
        self, make: Callable[[Key], Value], for_s: float, most: int = 64, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._for_s = for_s
        self._most = most
        self._now = now
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kept[Value]] = OrderedDict()

    def get(self, key: Key) -> Value:
        with self._lock:
            kept = self._kept.setdefault(key, Kept(partial(self._make, key), self._for_s, self._now))
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return kept.get()
