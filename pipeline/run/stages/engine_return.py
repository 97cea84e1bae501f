"""Engines that went away in mid-run, and the looks for them while another engine serves in their place."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from pipeline.breaker import Breaker, BreakerOpen
from pipeline.children.worker import Worker
from pipeline.config.areas.run import RunSettings
from pipeline.errors import told
from pipeline.records import EngineIdentity
from pipeline.run.context import ChildBuild

logger = logging.getLogger(__name__)

_LOOK_LIMIT_S = 60.0
"""For one look, in a process of its own, which is killed then."""


@dataclass(slots=True)
class _Gone:
    identity: EngineIdentity
    breaker: Breaker


class EngineReturn:
    """Looks for engines that went away, one look at a time, with pauses that double. Used from one thread.

    Args:
        answering: called with an engine's name; raises EarshotError when it cannot serve. Runs in another thread.
        close: ends a look under way.
    """

    def __init__(
        self,
        answering: Callable[[str], object],
        first_pause_s: float,
        longest_pause_s: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._answering = answering
        self._close = close
        self._pauses_s = (first_pause_s, longest_pause_s)
        self._clock = clock
        self._gone: dict[str, _Gone] = {}
        self._on_trial: dict[str, _Gone] = {}
        """Back since a look, without having served a call since."""
        self._look: tuple[str, Future[object]] | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="engine-return")

    def left(self, identity: EngineIdentity, why: str) -> None:
        """This engine went away; from now on it is looked for."""
        gone = self._on_trial.pop(identity.engine, None)
        if gone is None:
            first_s, longest_s = self._pauses_s
            gone = _Gone(identity, Breaker(identity.engine, 1, first_s, self._clock, longest_pause_s=longest_s))
        gone.breaker.failed(why)
        self._gone[identity.engine] = gone

    def found(self, serving: EngineIdentity) -> EngineIdentity | None:
        """An engine listed before the one that serves now, if a look has found it; begins a look where one is due."""
        if self._look is not None:
            name, look = self._look
            if not look.done():
                return None
            self._look = None
            gone = self._gone.get(name)
            error = look.exception()
            if gone is not None and error is None:
                logger.info("%s answers again: it takes over once the calls under way are through", name)
                return gone.identity
            if gone is not None and error is not None:
                logger.info("%s is still away: %s", name, told(error))
                gone.breaker.failed(told(error))
        better = [item for item in self._gone.items() if item[1].identity.rank < serving.rank]
        for name, gone in sorted(better, key=lambda item: item[1].identity.rank):
            with suppress(BreakerOpen):
                gone.breaker.check()
                self._look = name, self._pool.submit(self._answering, name)
                return None
        return None

    def returned(self, engine: str) -> None:
        """It was started again. Until it has served a call, its first failure sends it away, with a longer pause."""
        self._on_trial[engine] = self._gone.pop(engine)

    def in_vain(self, engine: str, why: str) -> None:
        """It was found, but did not load."""
        self._gone[engine].breaker.failed(why)

    def served(self, engine: str) -> None:
        """It has served a call."""
        self._on_trial.pop(engine, None)

    def on_trial(self, engine: str) -> bool:
        return engine in self._on_trial

    def close(self) -> None:
        self._close()
        self._pool.shutdown(cancel_futures=True)


def build_engine_return(settings: RunSettings, answering: ChildBuild) -> EngineReturn:
    """Each look is in a process of its own, which may hang or crash without harm."""
    looking = Worker(
        "engine look", answering.build, answering.arguments, _LOOK_LIMIT_S, limit_key="the limit of a look"
    )
    return EngineReturn(
        lambda engine: looking.call(engine, _LOOK_LIMIT_S),
        settings.engine_return_s,
        settings.engine_return_max_s,
        close=looking.close,
    )
