"""Workers that the service starts and watches: each is `run.py work --wait` in a process of its own."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.children.entry import begin
from pipeline.threads import begun

if TYPE_CHECKING:
    from pipeline.config.root import Settings

log = logging.getLogger("earshot.service")

_SPAWN = multiprocessing.get_context("spawn")
_LOOK_S = 0.5
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_LONG_LIFE_S = 60.0
_SPARE_S = 15.0


class SupervisedWorker:
    """One worker process, started again whenever it ends."""

    def __init__(
        self,
        name: str,
        spawn: Callable[[], BaseProcess],
        grace_s: float,
        stopping: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            spawn: starts its process.
            grace_s: how long its calls under way get when it is stopped.
        """
        self.name = name
        self._spawn = spawn
        self._grace_s = grace_s
        self._stopping = stopping or threading.Event()
        self._clock = clock

    def start(self) -> None:
        self._thread = begun(self.name, self.watch)

    def stop(self) -> None:
        """Begins to stop it: no further call is begun."""
        self._stopping.set()

    def join(self) -> None:
        """Until it has stopped; after its grace it is killed."""
        self._thread.join()

    def watch(self) -> None:
        """Until it is to stop. The pauses before it is started again grow, unless it lived long."""
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            began_s = self._clock()
            process = self._spawn()
            while process.is_alive() and not self._stopping.is_set():
                process.join(_LOOK_S)
            if self._stopping.is_set():
                self._end(process)
                return
            if self._clock() - began_s > _LONG_LIFE_S:
                pause_s = _FIRST_PAUSE_S
            log.error("%s ended with %s; it is restarted in %.0f s", self.name, process.exitcode, pause_s)
            self._stopping.wait(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s)

    def _end(self, process: BaseProcess) -> None:
        process.terminate()
        process.join(self._grace_s + _SPARE_S)
        if process.is_alive():
            process.kill()
            process.join()


def work(config: str, overrides: tuple[str, ...]) -> None:
    """Body of a worker's process. It ends with the service, even when that is killed."""
    from commands.exit_codes import exit_code_of
    from commands.permissions import keep_private
    from commands.terminal import complain
    from commands.work import work_on_runs
    from pipeline.errors import EarshotError

    begin()
    keep_private()
    os.setpgrp()  # Ctrl-C is the service's: it stops its workers in an orderly way
    try:
        sys.exit(work_on_runs(Path(config), overrides, stays=True))
    except EarshotError as error:
        complain(f"error: {error}")
        sys.exit(exit_code_of(error))


def workers_of(config: Path, overrides: Sequence[str], settings: Settings) -> Sequence[SupervisedWorker]:
    """As many as `service.workers` says."""

    def spawned(name: str) -> BaseProcess:
        process = _SPAWN.Process(target=work, args=(str(config), tuple(overrides)), name=name)
        process.start()
        return process

    names = [f"worker {number}" for number in range(1, settings.service.workers + 1)]
    return [SupervisedWorker(name, partial(spawned, name), settings.run.stop_grace_s) for name in names]


@contextmanager
def working(workers: Sequence[SupervisedWorker]) -> Iterator[None]:
    """They work while this is open."""
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()
