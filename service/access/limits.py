"""How often somebody may ask: counted in this process, by fixed minutes."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter


class PerMinute:
    """At most `most` of something for each key in a minute. Keys whose minute is over are forgotten."""

    def __init__(self, most: int, kind: str) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._item: RateLimitItem = RateLimitItemPerMinute(most, namespace=kind)

    def count(self, key: str) -> float | None:
        """Count one; where it is too many, seconds until the next is none."""
        return None if self._limiter.hit(self._item, key) else self._wait_s(key)

    def full(self, key: str) -> float | None:
        """The same without counting."""
        return None if self._limiter.test(self._item, key) else self._wait_s(key)

    def _wait_s(self, key: str) -> float:
        return max(0.0, self._limiter.get_window_stats(self._item, key).reset_time - time.time())


def of_address(address: str) -> str:
    """The key of a client's address: of IPv6 the /64, because one client has all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Seen:
    """Keys seen in the last `for_s` seconds, the `most` newest of them. Safe from several threads by the GIL."""

    def __init__(self, for_s: float = 3600.0, most: int = 4096, now: Callable[[], float] = time.monotonic) -> None:
        self._for_s = for_s
        self._most = most
        self._now = now
        self._seen: dict[tuple[str, bytes], float] = {}

    def add(self, key: tuple[str, bytes]) -> None:
        self._seen.pop(key, None)
        self._seen[key] = self._now()
        while len(self._seen) > self._most:
            self._seen.pop(next(iter(self._seen)), None)

    def __contains__(self, key: tuple[str, bytes]) -> bool:
        when = self._seen.get(key)
        return when is not None and self._now() - when <= self._for_s
