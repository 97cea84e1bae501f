"""A spawned process and the pipe to it: started within a time limit, spoken to, killed. The only way we spawn one."""

from __future__ import annotations

import multiprocessing
import selectors
import time
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from pipeline.children.entry import Setup, enter
from pipeline.errors import StageTimeout, WorkerCrashed

_SPAWN = multiprocessing.get_context("spawn")
_LOOK_S = 0.5
_LONGEST_WAIT_S = 1e6
"""The system counts milliseconds in 32 bits."""
_KILL_WAIT_S = 10.0
_DEATH_WAIT_S = 2.0
"""Wait for the exit code after the pipe has closed."""


class ChildProcess:
    """One child at a time. Used from one thread, except `kill`, which makes a call under way raise WorkerCrashed.

    Args:
        name: for process lists and messages.
        setup: importable; see `Setup`.
        one_core: it is one of several processes that share the cores; its BLAS is limited to one thread.
        keeps_memory: see `keep_freed_memory`.
    """

    def __init__(self, name: str, setup: Setup, *, one_core: bool = False, keeps_memory: bool = False) -> None:
        self.name = name
        self._setup = setup
        self._one_core = one_core
        self._keeps_memory = keeps_memory
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._at_exit: weakref.finalize[Any, ChildProcess] | None = None

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None else None

    @property
    def is_alive(self) -> bool:
        process = self._process
        return process is not None and process.is_alive()

    def start(self, arguments: tuple[Any, ...], limit_s: float, meanwhile: Callable[[], None] | None = None) -> Any:
        """Spawn, run `setup(*arguments)` there and return what it tells.

        `meanwhile` is called while waiting. Raises StageTimeout, WorkerCrashed, or what `setup` or `meanwhile` raises.
        After an error no process is left.
        """
        self.kill()
        self._connection, theirs = _SPAWN.Pipe()
        # Not a daemon: daemons may not have children, and the analysis has one for the language model.
        how = (theirs, self._setup, arguments, self._one_core, self._keeps_memory)
        process = _SPAWN.Process(target=enter, args=how, name=self.name)
        process.start()
        theirs.close()
        self._process = process
        self._at_exit = weakref.finalize(self, process.kill)  # Python would wait for it to end by itself
        deadline = time.monotonic() + limit_s
        try:
            while not self.has_message(min(_LOOK_S, max(0.0, deadline - time.monotonic()))):
                if meanwhile is not None:
                    meanwhile()
                if time.monotonic() >= deadline:
                    raise StageTimeout(f"the {self.name} process was not ready within {limit_s:g} s")
            done, told = self.receive()
        except BaseException:
            self.kill()
            raise
        if not done:
            self.kill()
            raise told
        return told

    @property
    def is_open(self) -> bool:
        """Whether there is a process, alive or dead, whose messages can be received."""
        return self._connection is not None

    def send(self, message: object) -> None:
        """Waits where the pipe is full. Raises WorkerCrashed; what the process sent before can still be received."""
        connection = self._connection
        try:
            if connection is None:
                raise EOFError
            connection.send(message)
        except (EOFError, OSError) as error:
            raise self._crashed() from error

    def takes_more(self) -> bool:
        """Whether a small message can be sent without waiting: a child that reads nothing must not stop its parent."""
        connection = self._connection
        if connection is None:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_WRITE)
            return bool(selector.select(0))

    def has_message(self, timeout_s: float) -> bool:
        """Whether a message arrived, or the child ended, in time. `receive` then does not wait."""
        connection, process = self._connection, self._process
        if connection is None or process is None:
            return True
        try:
            return bool(wait([connection, process.sentinel], min(max(0.0, timeout_s), _LONGEST_WAIT_S)))
        except OSError:  # closed by `kill` from another thread
            return True

    def receive(self) -> Any:
        """Wait for the next message. Raises WorkerCrashed when the process died before it sent one."""
        connection, process = self._connection, self._process
        try:
            if connection is None or process is None:
                raise EOFError
            ready = wait([connection, process.sentinel])
            if connection not in ready and not connection.poll(0):
                raise EOFError
            return connection.recv()
        except (EOFError, OSError) as error:
            raise self._crashed() from error

    def kill(self) -> None:
        """End the process now; idempotent."""
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if self._at_exit is not None:
            self._at_exit.detach()
        if process is not None:
            process.kill()
            process.join(_KILL_WAIT_S)
        if connection is not None:
            connection.close()

    def _crashed(self) -> WorkerCrashed:
        process = self._process
        if process is None:
            return WorkerCrashed(f"the {self.name} process has been closed")
        process.join(_DEATH_WAIT_S)
        code = process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return WorkerCrashed(f"the {self.name} process died ({how})")
