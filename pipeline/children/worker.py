"""A supervised child process that serves one function: one task in, one answer out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Protocol

from pipeline.children.entry import Serve
from pipeline.children.process import ChildProcess
from pipeline.errors import EarshotError, ModelUnavailable, StageTimeout, WorkerCrashed, portable
from pipeline.plurals import counted

Handler = Callable[[Any], Any]
"""What the process serves: a picklable task in, a picklable answer out."""


class TaskServer(Protocol):
    """Answers tasks, each within a time limit. See `Worker`, which is one on this machine."""

    def call(self, task: object, timeout_s: float) -> Any: ...

    def close(self) -> None: ...


class Worker:
    """Starts with the first task; killed when it hangs, started afresh when it died. Thread-safe: one task at a time.

    Args:
        name: for process lists and messages.
        build: importable; called once in the child with `arguments`, returns the function that answers a task.
        arguments: picklable.
        start_timeout_s: limit for `build`.
        restarts: how often in a row it is started again without an answer in between, for a process that is costly to
            start. After that, or when it cannot be built, every call raises the same ModelUnavailable. None: no limit.
        one_core: it is one of several processes that share the cores; its BLAS is limited to one thread.
        limit_key: the setting that limits a task, for messages.
    """

    def __init__(
        self,
        name: str,
        build: Callable[..., Handler],
        arguments: tuple[Any, ...] = (),
        start_timeout_s: float = 120.0,
        *,
        restarts: int | None = None,
        one_core: bool = False,
        limit_key: str,
    ) -> None:
        self._child = ChildProcess(name, _setup, one_core=one_core)
        self._build = (build, arguments)
        self._start_timeout_s = start_timeout_s
        self._restarts = restarts
        self._limit_key = limit_key
        self._starts = 0
        """Processes started since the last answer, counting the one that gave it."""
        self._unavailable: EarshotError | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def call(self, task: object, timeout_s: float) -> Any:
        """The answer to `task`, within `timeout_s`. Starting the process, where needed, has a limit of its own.

        Raises:
            StageTimeout: no answer in time; the process was killed.
            WorkerCrashed: the process died while it worked on the task.
            ModelUnavailable: see `restarts`.
            EarshotError: what the task itself raised.
        """
        with self._lock:
            self._ensure_started()
            try:
                self._child.send(task)
                if not self._child.has_message(timeout_s):
                    raise StageTimeout(
                        f"the {self._child.name} process gave no answer within {timeout_s:g} s ({self._limit_key}) "
                        "and was killed"
                    )
                done, answer = self._child.receive()
            except (StageTimeout, WorkerCrashed):
                self._child.kill()
                raise
            self._starts = 1
        if not done:
            raise answer
        return answer

    def close(self) -> None:
        """End the process for good; idempotent. A call under way in another thread raises WorkerCrashed."""
        self._closed = True
        self._child.kill()
        with self._lock:
            self._child.kill()  # one that was just being started

    def _ensure_started(self) -> None:
        if self._closed:
            raise WorkerCrashed(f"the {self._child.name} process has been closed")
        if self._unavailable is not None:
            raise self._unavailable
        if self._child.is_alive:
            return
        bounded = self._restarts is not None
        if self._restarts is not None and self._starts > self._restarts:
            self._unavailable = ModelUnavailable(
                f"the {self._child.name} process died {counted(self._starts, 'time')} in a row"
            )
            raise self._unavailable
        self._starts += 1
        try:
            self._child.start(self._build, self._start_timeout_s, self._stop_when_closed)
        except WorkerCrashed:
            raise
        except StageTimeout as error:
            if not bounded:
                raise
            self._unavailable = ModelUnavailable(str(error))
            raise self._unavailable from error
        except EarshotError as error:
            self._unavailable = error if bounded else None
            raise

    def _stop_when_closed(self) -> None:
        if self._closed:
            raise WorkerCrashed(f"the {self._child.name} process has been closed")


def _setup(build: Callable[..., Handler], arguments: tuple[Any, ...]) -> tuple[None, Serve]:
    return None, partial(_answer, build(*arguments))


def _answer(handle: Handler, connection: Connection) -> None:
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = (True, handle(task))
        except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it
            answer = (False, portable(error))
        connection.send(answer)
