"""Threads of the service, each doing one thing again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.errors import EarshotError, traceback_text
from pipeline.threads import begun

log = logging.getLogger("earshot.service")

_LONGEST_PAUSE_S = 60.0
_STOP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something done every few seconds."""

    name: str
    beat: Callable[[], None]
    every_s: float
    wake: threading.Event = field(default_factory=threading.Event)
    """Set from elsewhere: there is something to do now."""
    close: Callable[[], None] = lambda: None
    """Called once, from the thread, at the end."""


@contextmanager
def at_work(tasks: Sequence[Task]) -> Iterator[None]:
    """The tasks are done while this is open. What fails is logged and tried again, with growing pauses."""
    stopping = threading.Event()
    threads = [begun(task.name, again_and_again, task, stopping) for task in tasks]
    try:
        yield
    finally:
        stopping.set()
        for task in tasks:
            task.wake.set()
        for thread in threads:
            thread.join(_STOP_S)


def again_and_again(task: Task, stopping: threading.Event) -> None:
    """Until `stopping` is set. After an error nothing wakes it before the pause is over."""
    pause_s = task.every_s
    while not stopping.is_set():
        task.wake.clear()
        try:
            task.beat()
            awaited, pause_s = task.wake, task.every_s
        except Exception as error:  # noqa: BLE001 - the service goes on, and says what does not work
            awaited, pause_s = stopping, min(_LONGEST_PAUSE_S, max(1.0, 2 * pause_s))
            _tell(task, error, pause_s)
        awaited.wait(pause_s)
    try:
        task.close()
    except Exception as error:  # noqa: BLE001 - it ends in any case
        _tell(task, error, None)


def _tell(task: Task, error: Exception, again_in_s: float | None) -> None:
    again = "" if again_in_s is None else f"; again in {again_in_s:.0f} s"
    log.error("%s: %s%s", task.name, error if isinstance(error, EarshotError) else traceback_text(error), again)
