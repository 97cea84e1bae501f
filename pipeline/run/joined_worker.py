"""A worker without a plan of its own: it works on the calls that runs with its configuration have planned."""

from __future__ import annotations

import time

from pipeline.config.areas.run import RunSettings
from pipeline.records import EngineIdentity
from pipeline.run.context import BatchParts, RunObserver
from pipeline.run.crew import Crew, RecogniserFigures
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.recipes import Recipe
from pipeline.run.signals import RunSignals
from pipeline.run.tally import Tally

_LOOK_AGAIN_S = 2.0


class JoinedWorker:
    """Used once: `work`, `close`. The runs that planned the calls account for them and deliver them."""

    def __init__(self, settings: RunSettings, parts: BatchParts, observer: RunObserver, recipe: Recipe) -> None:
        self._settings = settings
        self._parts = parts
        self._observer = observer
        self.recorder = PerformanceRecorder()
        self.signals = RunSignals(settings)
        self.tally = Tally()
        self._crew = Crew(
            parts, observer, recipe=recipe, recorder=self.recorder, signals=self.signals, tally=self.tally
        )
        self._desk: Desk | None = None

    @property
    def in_hand(self) -> int:
        """Calls that it has claimed and is not done with."""
        return 0 if self._desk is None else self._desk.in_hand

    @property
    def figures(self) -> RecogniserFigures:
        return self._crew.figures

    def load_recogniser(self) -> EngineIdentity:
        """Which engine serves here today; the calls need not come yet. Raises ModelUnavailable, RunInterrupted."""
        return self._crew.load_recogniser()

    def work(self, *, stays: bool, first_within_s: float = 0) -> int:
        """Until no call is left that this worker may do, or for good. Returns how many were left when it began.

        `first_within_s`: how long it waits for the first; a worker may be started beside the run that plans for it.

        Raises only what ends the worker (no recogniser, no database); a single call just fails. An interrupt is a call
        to `signals.stop`: calls under way get `run.stop_grace_s`, and the others are given back.
        """
        self._parts.claims.free_of_the_dead()
        left = self._parts.claims.left(None) if stays else self._first(first_within_s)
        self._observer.planned(left, 0)
        if left or stays:
            self._desk = Desk(self._parts.claims, None, self._settings, stays=stays)
            self._crew.work(self._desk, (), self._parts.store.keep_locks)
        return left

    def _first(self, within_s: float) -> int:
        until = time.monotonic() + within_s
        while not (left := self._parts.claims.left(None)) and time.monotonic() < until:
            if self.signals.stopping.wait(_LOOK_AGAIN_S):
                break
        return left

    def close(self) -> None:
        self._crew.close()
