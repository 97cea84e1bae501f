"""Stop and abandon, as all threads of a run see them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.config.areas.run import RunSettings
from pipeline.errors import RunInterrupted


@dataclass(slots=True)
class RunSignals:
    """Stop and abandon, shared by all threads of a run."""

    settings: RunSettings
    stopping: threading.Event = field(default_factory=threading.Event)
    """No new call is begun."""
    abandoned: threading.Event = field(default_factory=threading.Event)
    """What is under way is dropped."""
    reason: str | None = None
    planned: bool = False
    """Whether the clock stopped it (`run.max_hours`, `run.stop_time`), which is no fault."""
    fatal: BaseException | None = None
    began: float = field(default_factory=time.monotonic)
    stop_at: float | None = field(init=False)
    """Unix time of the stop time, as seen when the run began: one that passes while it plans is not tomorrow's."""
    _stopped_at: float | None = None

    def __post_init__(self) -> None:
        self.stop_at = stop_moment(self.settings)

    def stop(self, reason: str, planned: bool = False) -> None:
        """The first reason stays, but a signal's takes the place of the clock's."""
        if self.reason is None or (self.planned and not planned):
            self.reason, self.planned = reason, planned
        self.stopping.set()

    def fail(self, error: BaseException) -> None:
        """The run cannot go on: every thread must leave, and `Batch.work` raises the error.

        Once a stop has abandoned the run, errors in the stages follow from that and are no fault.
        """
        if self.abandoned.is_set():
            return
        self.fatal = error
        self.stop(str(error))
        self.abandoned.set()

    def abandon_when_due(self) -> None:
        """Set `abandoned` when `run.stop_grace_s` have passed since the stop was first seen here."""
        if not self.stopping.is_set():
            return
        self._stopped_at = self._stopped_at or time.monotonic()
        if time.monotonic() - self._stopped_at > self.settings.stop_grace_s:
            self.abandoned.set()

    def check_clock(self) -> None:
        """Set `stopping` when the hours are used up or the stop time has come."""
        hours = self.settings.max_hours
        if hours is not None and time.monotonic() - self.began > hours * 3600:
            self.stop(f"run.max_hours ({hours:g}) is used up", planned=True)
        if self.stop_at is not None and time.time() >= self.stop_at:
            self.stop(f"the stop time {self.settings.stop_time} has come", planned=True)

    def raise_if_stopping(self) -> None:
        """End a run that is stopped before its stages begin. Raises RunInterrupted."""
        if self.stopping.is_set():
            raise RunInterrupted(f"stopped before any call was begun: {self.reason}")


def stop_moment(settings: RunSettings, now: datetime | None = None) -> float | None:
    """Unix time of the next `run.stop_time`, local clock; None when none is set."""
    if settings.stop_time is None:
        return None
    now = now or datetime.now()
    hours, minutes = (int(part) for part in settings.stop_time.split(":"))
    moment = now.replace(hour=hours, minute=minutes, second=0, microsecond=0)
    if moment <= now:
        moment += timedelta(days=1)
    return moment.timestamp()
