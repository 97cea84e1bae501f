"""Waiting for what another thread or process does on its own: a test asserts what it waited for, and nothing beside.

And not waiting: a loop whose clock jumps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")

PATIENCE_S = 240.0
"""Below the time limit of a test, so that the test says what never came."""


def until(look: Callable[[], T | Literal[False] | None], pause_s: float = 0.05) -> T:
    """The first answer of `look` that is true. Fails with the last one when none is in `PATIENCE_S`."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        if time.monotonic() >= deadline:
            where = f"{look.__code__.co_filename}:{look.__code__.co_firstlineno}" if hasattr(look, "__code__") else look
            raise AssertionError(f"{where}: not in {PATIENCE_S:g} s; the last answer was {found!r}")
        time.sleep(pause_s)
    return found


class Jumping(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next moment something waits for."""

    _now_s = 0.0

    def time(self) -> float:
        return self._now_s

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now_s = max(self._now_s, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]
