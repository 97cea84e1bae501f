"""An erasure waits for its turn: runs and other erasures hold the lock meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.errors import RunLocked

T = TypeVar("T")


def in_turn(
    erase: Callable[[], T], patience_s: float, look_s: float, tell: Callable[[RunLocked], None] = lambda _: None
) -> T:
    """What `erase` returns once nobody is before it; tried every `look_s`. `tell` hears why it waits.

    Raises RunLocked, as `erase` does, after `patience_s`.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return erase()
        except RunLocked as error:
            if time.monotonic() >= until:
                raise
            tell(error)
            time.sleep(look_s)
