"""Room on the disk for recordings that were fetched and wait for a decoder."""

from __future__ import annotations

import threading


class Room:
    """So many bytes and no more. Safe between threads."""

    def __init__(self, most_bytes: float) -> None:
        self._most = most_bytes
        self._taken = 0
        self._changed = threading.Condition()

    def take(self, size_bytes: int, wait_s: float, *, at_once: bool = False) -> bool:
        """Whether there is room, or will be within `wait_s`. What is larger than all of it gets it when it is empty.

        `at_once`: it is taken in any case.
        """
        with self._changed:
            if at_once or self._changed.wait_for(lambda: self._has(size_bytes), wait_s):
                self._taken += size_bytes
                return True
            return False

    def give(self, size_bytes: int) -> None:
        with self._changed:
            self._taken -= size_bytes
            self._changed.notify_all()

    def _has(self, size_bytes: int) -> bool:
        return self._taken == 0 or self._taken + size_bytes <= self._most
