"""A spawned process that serves one function, and the supervisor that kills and restarts it.

MLX hangs after fork, its arrays do not cross threads, and a native crash takes its process along: so a local model
lives alone, on the main thread of a process of its own.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

from pipeline.errors import EarshotError, ModelUnavailable, StageTimeout, WorkerCrashed, described, traceback_text

log = logging.getLogger(__name__)

Handler = Callable[[Any], Any]
"""What the process serves: one message in, one out, both picklable."""

_END_S = 5.0


class SupervisedProcess:
    """Starts on the first call. Thread-safe: one call at a time."""

    def __init__(
        self, name: str, build: Callable[..., Handler], arguments: tuple[Any, ...], start_limit_s: float, restarts: int
    ) -> None:
        """`build` is importable by name and runs in the process; what it raises from our tree is raised by `call`.

        `restarts` in a row are allowed without an answer between them.
        """
        self._name = name
        self._build = build
        self._arguments = arguments
        self._start_limit_s = start_limit_s
        self._restarts = restarts
        self._starts_left = restarts + 1
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._unavailable: EarshotError | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Of the process now running."""
        return self._process.pid if self._process else None

    def call(self, message: Any, limit_s: float) -> Any:
        """The handler's answer, within `limit_s` of wall clock (the start, if it comes to that, has its own limit).

        Raises:
            StageTimeout: it ran over its time; the process is killed, the next call starts another.
            WorkerCrashed: it died.
            ModelUnavailable: it cannot be built, or died too often; every later call says the same.
        """
        with self._lock:
            connection = self._running()
            try:
                connection.send(message)
            except OSError as error:
                raise self._crashed(error) from error
            answer = self._receive(connection, limit_s, "no answer")
            self._starts_left = self._restarts
            return answer

    def close(self) -> None:
        """Kill the process for good; idempotent. A call under way ends with WorkerCrashed, later ones are refused."""
        self._closed = True
        process = self._process
        if process is not None and process.is_alive():
            process.kill()
        with self._lock:
            self._end()

    def _running(self) -> Connection:
        if self._closed:
            raise ModelUnavailable(f"{self._name}: closed")
        if self._unavailable is not None:
            raise self._unavailable
        if self._connection is not None and self._process is not None and self._process.is_alive():
            return self._connection
        self._end()
        if self._starts_left <= 0:
            self._unavailable = ModelUnavailable(f"{self._name}: its process ended too often (restarts used up)")
            raise self._unavailable
        self._starts_left -= 1
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._build, self._arguments), name=self._name, daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            self._receive(self._connection, self._start_limit_s, "not ready")
        except StageTimeout as error:
            self._unavailable = ModelUnavailable(str(error))
            raise self._unavailable from error
        except WorkerCrashed:
            raise
        except EarshotError as error:
            self._unavailable = error
            self._end()
            raise
        return self._connection

    def _receive(self, connection: Connection, limit_s: float, what: str) -> Any:
        process = self._process
        assert process is not None
        deadline = time.monotonic() + limit_s
        ready = wait([connection, process.sentinel], timeout=max(0.0, limit_s))
        if connection not in ready and process.sentinel in ready and not connection.poll(0):
            raise self._crashed(None)
        if not ready or time.monotonic() > deadline + _END_S:
            self._end()
            raise StageTimeout(f"{self._name}: {what} within {limit_s:.1f} s; its process was ended")
        try:
            good, result = connection.recv()
        except (EOFError, OSError) as error:
            raise self._crashed(error) from error
        if good:
            return result
        raise result

    def _crashed(self, error: Exception | None) -> WorkerCrashed:
        code = None
        if self._process is not None:
            self._process.join(_END_S)
            code = self._process.exitcode
        self._end()
        log.warning("%s: the process died (exit code %s)", self._name, code)
        return WorkerCrashed(f"{self._name}: its process died (exit code {code}) {error or ''}".strip())

    def _end(self) -> None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            if process.is_alive():
                process.kill()
            process.join(_END_S)


def _serve(connection: Connection, build: Callable[..., Handler], arguments: tuple[Any, ...]) -> None:
    """Body of the process: build, say ready, answer until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    threading.Thread(target=_die_with_parent, name="parent watch", daemon=True).start()
    try:
        handler = build(*arguments)
        connection.send((True, None))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the supervisor must hear of it
        connection.send((False, _portable(error, ModelUnavailable)))
        return
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer = (True, handler(message))
        except Exception as error:  # noqa: BLE001 - told to the supervisor, and the process lives on
            answer = (False, _portable(error, WorkerCrashed))
        connection.send(answer)


def _portable(error: BaseException, otherwise: type[EarshotError]) -> EarshotError:
    """Errors of our tree as they are, others by their text: not every exception survives pickling."""
    if isinstance(error, EarshotError):
        return type(error)(str(error))
    log.error("%s", traceback_text(error))
    return otherwise(described(error))


def _die_with_parent() -> None:
    """End at once when the parent is gone, even in the middle of a long computation."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
