"""One spawned process that serves one task at a time, and what every spawned process of ours does first.

Spawn everywhere, never fork: MLX hangs after fork, and a forked copy of a threaded parent may hold dead locks.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
import selectors
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from pipeline.errors import EarshotError, StageTimeout, UnforeseenError, WorkerCrashed, described, traceback_text
from pipeline.log_lines import continue_log

SPAWN = multiprocessing.get_context("spawn")

_KILL_WAIT_S = 10.0


def begin_child() -> None:
    """Leave Ctrl-C to the parent, die with it even when it is killed, and go on with its log."""
    continue_log()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What matters comes back with results and errors; the terminal belongs to the parent's progress bar.
    logging.basicConfig(level=logging.ERROR)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True, name="parent-watch").start()


def one_blas_thread() -> None:
    """Hold NumPy's and SciPy's BLAS to one thread, in a process that is one of several and meant for one core.

    Threads of a BLAS spin while they wait for the next product: on two cores they cost a run a quarter of its CPU time.
    """
    from threadpoolctl import threadpool_limits

    for name in ("numpy", "scipy.linalg"):  # what is loaded later would not be held
        importlib.import_module(name)
    threadpool_limits(limits=1, user_api="blas")


def _die_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def takes_more(connection: Connection) -> bool:
    """Whether a small message can be sent without waiting: a child that reads nothing must not stop its parent."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_WRITE)
        return bool(selector.select(0))


def portable(error: BaseException) -> EarshotError:
    """The error as one of our tree, fit to cross a process border."""
    if isinstance(error, EarshotError):
        return error
    if isinstance(error, MemoryError):
        return WorkerCrashed("out of memory; lower run.decode_workers or run.calls_ahead")
    return UnforeseenError(described(error), traceback_text(error))


def _serve(
    connection: Connection, build: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...], one_core: bool
) -> None:
    begin_child()
    if one_core:
        one_blas_thread()
    try:
        handle = build(*arguments)
    except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it
        connection.send((False, portable(error)))
        return
    connection.send((True, None))
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            answer = (True, handle(task))
        except Exception as error:  # noqa: BLE001 - handed to the parent, which raises it
            answer = (False, portable(error))
        connection.send(answer)


class SpawnedWorker:
    """A process that answers tasks one at a time; killed and started afresh when it hangs or dies.

    Args:
        name: for process lists and messages.
        build: called once in the child with `arguments`; returns the function that answers a task. Must be importable.
        arguments: picklable.
        start_timeout_s: limit for `build`.
        one_core: it is one of several processes that share the cores, and holds its BLAS to one thread.
    """

    def __init__(
        self,
        name: str,
        build: Callable[..., Callable[[Any], Any]],
        arguments: tuple[Any, ...] = (),
        start_timeout_s: float = 120.0,
        *,
        one_core: bool = False,
    ) -> None:
        self._name = name
        self._build = build
        self._arguments = arguments
        self._start_timeout_s = start_timeout_s
        self._one_core = one_core
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def call(self, task: object, timeout_s: float) -> Any:
        """The answer to `task`.

        Raises:
            StageTimeout: no answer in time; the process was killed.
            WorkerCrashed: the process died under the task.
            EarshotError: what the task itself raised.
        """
        connection = self._ensure_started()
        try:
            connection.send(task)
            return self._receive(connection, timeout_s, "the limit is a *_timeout_s key under `run`")
        except (EOFError, OSError):
            raise self._crashed() from None

    def close(self) -> None:
        """End the process; safe to call from another thread, which makes a `call` under way raise WorkerCrashed."""
        self._closed = True
        self._kill()

    def _ensure_started(self) -> Connection:
        if self._closed:
            raise WorkerCrashed(f"the {self._name} process has been closed")
        connection = self._connection
        if connection is not None and self._process is not None and self._process.is_alive():
            return connection
        ours, theirs = SPAWN.Pipe()
        process = SPAWN.Process(
            target=_serve,
            args=(theirs, self._build, self._arguments, self._one_core),
            name=self._name,
            daemon=False,
        )
        process.start()
        theirs.close()
        self._connection, self._process = ours, process
        if self._closed:  # from another thread, just now: it may have missed the new process
            self._kill()
        try:
            self._receive(ours, self._start_timeout_s, "it was still starting: is the machine overloaded?")
        except (EOFError, OSError):
            raise self._crashed() from None
        return ours

    def _receive(self, connection: Connection, timeout_s: float, advice: str) -> Any:
        """The connection is the caller's own: `close` may take the worker's away at any moment."""
        if not connection.poll(timeout_s):
            self._kill()
            raise StageTimeout(
                f"the {self._name} process gave no answer within {timeout_s:.0f} s and was killed; {advice}"
            )
        done, answer = connection.recv()
        if not done:
            raise answer
        return answer

    def _crashed(self) -> WorkerCrashed:
        process = self._process
        self._kill()
        code = process.exitcode if process else None
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return WorkerCrashed(f"the {self._name} process died ({how}) while it held this call")

    def _kill(self) -> None:
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is not None:
            process.kill()
            process.join(_KILL_WAIT_S)
        if connection is not None:
            connection.close()
