"""Wall-clock limits for calls into clients whose own time-outs count silence only, not a slow drip."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from pipeline.errors import StageTimeout
from pipeline.threads import begun

Result = TypeVar("Result")


class EventLoop:
    """An asyncio loop in a thread of its own: a coroutine past its time is cancelled and its connection closed."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = begun(f"{name}-loop", self._loop.run_forever)

    def run(self, work: Coroutine[Any, Any, Result], limit_s: float | None, what: str) -> Result:
        """Raises StageTimeout after `limit_s` (None: no limit), and whatever the coroutine raises."""

        async def limited() -> Result:
            return await asyncio.wait_for(work, limit_s)

        try:
            return asyncio.run_coroutine_threadsafe(limited(), self._loop).result()
        except TimeoutError:
            raise StageTimeout(f"{what}: no whole answer within {limit_s:.1f} s") from None

    def close(self) -> None:
        """Stop the loop; idempotent."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=5)
            if not self._thread.is_alive():
                self._loop.close()


class Closes(Protocol):
    """A client with connections to close."""

    def close(self) -> Coroutine[Any, Any, None]: ...


Client = TypeVar("Client", bound=Closes)


class AsyncConnection(Generic[Client]):
    """A client of an asynchronous library and the loop it lives in: made at first use. Thread-safe."""

    def __init__(self, name: str, connect: Callable[[], Client]) -> None:
        self._name = name
        self._connect = connect
        self._lock = threading.Lock()
        self._open: tuple[EventLoop, Client] | None = None

    def run(self, ask: Callable[[Client], Coroutine[Any, Any, Result]], limit_s: float, what: str) -> Result:
        """Raises StageTimeout after `limit_s`, and whatever connecting or asking raises."""
        with self._lock:
            if self._open is None:
                client = self._connect()
                self._open = EventLoop(self._name), client
            loop, client = self._open
        return loop.run(ask(client), limit_s, what)

    def close(self) -> None:
        """Idempotent."""
        with self._lock:
            if self._open is not None:
                loop, client = self._open
                loop.run(client.close(), 5, f"closing {self._name}")
                loop.close()
            self._open = None


def within(function: Callable[[], Result], limit_s: float, what: str) -> Result:
    """Run a blocking call; raises StageTimeout when it is not done after `limit_s`.

    For clients that cannot be cancelled (boto3). The call is left behind on a daemon thread, which its
    client's read time-out ends; how many are left behind is bounded by the provider's breaker.
    """
    outcome: list[Result] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001 - carried over to the waiting thread and raised there
            failure.append(error)

    begun(what, work).join(limit_s)
    if failure:
        raise failure[0]
    if not outcome:
        raise StageTimeout(f"{what}: no whole answer within {limit_s:.1f} s")
    return outcome[0]
