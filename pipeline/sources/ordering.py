"""In which order found calls are worked on."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable
from typing import Literal

from pipeline.records import FoundCall

Order = Literal["newest", "oldest", "shuffle"]


def in_order(calls: Iterable[FoundCall], order: Order, seed: int = 0, limit: int | None = None) -> list[FoundCall]:
    """The calls in order; with a limit only the first ones, and never more than those in memory.

    Newest and oldest go by the start of the call, or by the file's time where that is unknown; the address breaks
    ties. The shuffle depends on seed and address alone, not on the order in which calls were found.
    """
    if order == "newest":
        return heapq.nlargest(limit, calls, _time) if limit is not None else sorted(calls, key=_time, reverse=True)
    key: Callable[[FoundCall], tuple[float | bytes, str]] = _time if order == "oldest" else _lot(seed)
    return heapq.nsmallest(limit, calls, key) if limit is not None else sorted(calls, key=key)


def _time(call: FoundCall) -> tuple[float | bytes, str]:
    return (call.metadata.started_at or call.modified_at).timestamp(), call.source_uri


def _lot(seed: int) -> Callable[[FoundCall], tuple[float | bytes, str]]:
    salt = str(seed).encode()

    def draw(call: FoundCall) -> tuple[float | bytes, str]:
        uri = call.source_uri
        return hashlib.blake2b(uri.encode("utf-8", "replace"), key=salt, digest_size=8).digest(), uri

    return draw
