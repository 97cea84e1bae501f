"""Cached answers, for what changes slowly and would cost a look at every call."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from pipeline.threads import begun

Value = TypeVar("Value")
Key = TypeVar("Key", bound=Hashable)


log = logging.getLogger(__name__)


class Kept(Generic[Value]):
    """The value of `make`, made anew when it is older than `for_s` seconds. Safe from several threads: one makes it.

    Up to an age of `at_most_s` the old value is still given, while a thread makes the next one.
    """

    def __init__(
        self,
        make: Callable[[], Value],
        for_s: float,
        now: Callable[[], float] = time.monotonic,
        *,
        at_most_s: float = 0.0,
    ) -> None:
        self._make = make
        self._for_s = for_s
        self._at_most_s = at_most_s
        self._now = now
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._made: tuple[float, Value] | None = None

    def get(self) -> Value:
        made = self._made
        if made is not None and self._for_s < self._now() - made[0] <= self._at_most_s:
            if self._renewing.acquire(blocking=False):
                begun("renew", self._renew)
            return made[1]
        with self._lock:
            if self._made is None or self._now() - self._made[0] > self._for_s:
                value = self._make()
                self._made = (self._now(), value)
            return self._made[1]

    def _renew(self) -> None:
        try:
            self._made = (self._now(), self._make())
        except Exception as error:  # noqa: BLE001 - whoever asks next hears of it when the value is too old
            log.warning("a cached answer was not renewed: %s", error)
        finally:
            self._renewing.release()


class KeptBy(Generic[Key, Value]):
    """The same for several keys: the values of `make(key)`, of the `most` keys that were asked for last."""

    def __init__(
        self,
        make: Callable[[Key], Value],
        for_s: float,
        most: int = 64,
        now: Callable[[], float] = time.monotonic,
        *,
        at_most_s: float = 0.0,
    ) -> None:
        self._make = make
        self._for_s = for_s
        self._at_most_s = at_most_s
        self._most = most
        self._now = now
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Kept[Value]] = OrderedDict()

    def get(self, key: Key) -> Value:
        with self._lock:
            new = Kept(partial(self._make, key), self._for_s, self._now, at_most_s=self._at_most_s)
            kept = self._kept.setdefault(key, new)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return kept.get()
