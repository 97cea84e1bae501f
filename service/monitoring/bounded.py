"""A question that is asked once at a time, in a thread of its own, so that nobody has to wait for its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from pipeline.threads import begun

Value = TypeVar("Value")


class Bounded(Generic[Value]):
    """`ask` begins `make`, unless it is under way: however often and long it hangs, there is one thread."""

    def __init__(self, name: str, make: Callable[[], Value]) -> None:
        self._name = name
        self._make = make
        self._lock = threading.Lock()
        self._under_way: Future[Value] | None = None

    def ask(self) -> Future[Value]:
        """The answer to come, or the error."""
        with self._lock:
            if self._under_way is None or self._under_way.done():
                self._under_way = future = Future[Value]()
                begun(self._name, self._answer, future)
            return self._under_way

    def _answer(self, future: Future[Value]) -> None:
        try:
            future.set_result(self._make())
        except Exception as error:  # noqa: BLE001 - the error is the answer
            future.set_exception(error)
