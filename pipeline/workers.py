"""The recogniser's process and its supervision.

One spawned process owns the accelerator. It is fed segments by reference (spool file and times) and hands each
result back as it is finished. When it dies, or finishes nothing within the time limit, it is killed and started
again; the segments it had taken are tried one by one, so that the one to blame is found and only that one is lost.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from pipeline.audio.spool import read_samples
from pipeline.errors import EarshotError, ModelUnavailable, WorkerCrashed
from pipeline.performance import mlx_bytes_here
from pipeline.processes import SPAWN, begin_child, portable
from pipeline.records import EngineIdentity
from pipeline.transcription.engine import EngineDescription, SegmentPlace, SegmentRequest, SegmentResult

_REFILL_WAIT_S = 0.02
"""How long the engine waits for another segment before it finishes the ones it has."""
_RESTARTS_WITHOUT_PROGRESS = 5


class Recogniser(Protocol):
    """The chosen engine behind its trust gates, as it lives in the process."""

    def load(self) -> tuple[EngineDescription, EngineIdentity]: ...

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTask:
    """A segment by reference; the process reads the samples itself."""

    key: str
    samples_path: Path
    start_s: float
    end_s: float
    language: str | None
    place: SegmentPlace | None = None


def _serve(connection: Connection, build: Callable[..., Recogniser], arguments: tuple[Any, ...]) -> None:
    begin_child()
    try:
        recogniser = build(*arguments)
        connection.send(("loaded", recogniser.load()))
    except Exception as error:  # noqa: BLE001 - handed to the supervisor, which raises it
        connection.send(("not_loaded", portable(error)))
        return
    inbox: queue.SimpleQueue[SegmentTask | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, inbox), daemon=True, name="inbox").start()
    while (first := inbox.get()) is not None:
        try:
            for result in recogniser.transcribe(_taken(first, inbox, connection)):
                connection.send(("mlx_bytes", mlx_bytes_here()))
                connection.send(("done", result))
        except Exception as error:  # noqa: BLE001 - the supervisor restarts us and finds the segment to blame
            connection.send(("broken", "".join(traceback.format_exception(error))))
            return


def _receive(connection: Connection, inbox: queue.SimpleQueue[SegmentTask | None]) -> None:
    while True:
        try:
            inbox.put(connection.recv())
        except (EOFError, OSError):
            inbox.put(None)
            return


def _taken(
    first: SegmentTask, inbox: queue.SimpleQueue[SegmentTask | None], connection: Connection
) -> Iterator[SegmentRequest]:
    """Segments while they keep coming; ends when none is waiting, so that no batch stands still for want of one."""
    task: SegmentTask | None = first
    while task is not None:
        connection.send(("taken", task.key))
        yield SegmentRequest(
            key=task.key,
            samples=read_samples(task.samples_path, task.start_s, task.end_s),
            language=task.language,
            place=task.place,
        )
        try:
            task = inbox.get(timeout=_REFILL_WAIT_S)
        except queue.Empty:
            return
    inbox.put(None)


class RecogniserProcess:
    """Supervisor of the one process that recognises. Used from one thread.

    Args:
        build: called in the child with `arguments`; importable and returning a Recogniser.
        load_timeout_s: limit for loading the weights.
        segment_timeout_s: limit without any segment finishing while some are under way.
    """

    def __init__(
        self,
        build: Callable[..., Recogniser],
        arguments: tuple[Any, ...],
        load_timeout_s: float,
        segment_timeout_s: float,
    ) -> None:
        self._build = build
        self._arguments = arguments
        self._load_timeout_s = load_timeout_s
        self._segment_timeout_s = segment_timeout_s
        self._connection: Connection | None = None
        self._process: Any = None
        self._sent: dict[str, SegmentTask] = {}
        self._taken: set[str] = set()
        self._to_send: deque[SegmentTask] = deque()
        self._suspects: deque[SegmentTask] = deque()
        self._alone: str | None = None
        self._last_sign = 0.0
        self._restarts_without_progress = 0
        self.restarts = 0
        self.busy_s = 0.0
        """Seconds with at least one segment under way."""
        self.mlx_bytes: int | None = None
        self._busy_since: float | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def outstanding(self) -> int:
        """Segments submitted whose result has not been collected."""
        return len(self._sent) + len(self._to_send) + len(self._suspects)

    def start(self) -> tuple[EngineDescription, EngineIdentity]:
        """Spawn and load. Raises ModelUnavailable (or what loading raised)."""
        ours, theirs = SPAWN.Pipe()
        self._connection = ours
        self._process = SPAWN.Process(
            target=_serve, args=(theirs, self._build, self._arguments), name="recogniser", daemon=False
        )
        self._process.start()
        theirs.close()
        try:
            if not ours.poll(self._load_timeout_s):
                raise ModelUnavailable(
                    f"the recogniser did not load within {self._load_timeout_s:.0f} s (run.recogniser_load_timeout_s)"
                )
            kind, value = ours.recv()
        except (EOFError, OSError):
            self._process.join(2.0)
            code = self._process.exitcode
            self.kill()
            raise ModelUnavailable(f"the recogniser process died while loading (exit code {code})") from None
        except ModelUnavailable:
            self.kill()
            raise
        if kind == "not_loaded":
            self.kill()
            raise value
        self._last_sign = time.monotonic()
        loaded: tuple[EngineDescription, EngineIdentity] = value
        return loaded

    def submit(self, task: SegmentTask) -> None:
        """Queue a segment; its result comes from `results`."""
        self._to_send.append(task)
        self._feed()

    def results(self, timeout_s: float) -> list[SegmentResult]:
        """Results that arrive within `timeout_s`, at once when there is one. Restarts the process when need be."""
        deadline = time.monotonic() + timeout_s
        finished: list[SegmentResult] = []
        while not finished:
            remaining = deadline - time.monotonic()
            if self._connection is None or remaining <= 0:
                return finished
            try:
                if self._connection.poll(min(remaining, 1.0)):
                    self._read_all(finished)
            except (EOFError, OSError, _Broken) as error:
                finished.extend(self._recover(_how(self._process, error)))
            if self._sent and time.monotonic() - self._last_sign > self._segment_timeout_s:
                why = f"nothing finished within {self._segment_timeout_s:.0f} s (run.segment_timeout_s)"
                finished.extend(self._recover(why, timed_out=True))
            self._feed()
        return finished

    def kill(self) -> None:
        """End the process now; what is under way is lost."""
        process, self._process = self._process, None
        connection, self._connection = self._connection, None
        if process is not None:
            process.kill()
            process.join(10.0)
        if connection is not None:
            connection.close()
        self._mark_idle()

    def _feed(self) -> None:
        """Send what may be sent: everything, or one suspect at a time after a crash."""
        if self._connection is None:
            return
        try:
            if self._suspects or self._alone is not None:
                if not self._sent and self._suspects:
                    task = self._suspects.popleft()
                    self._alone = task.key
                    self._send(task)
                return
            while self._to_send:
                self._send(self._to_send.popleft())
        except OSError:
            return  # the process is gone; `results` notices and recovers, the task is among the sent

    def _send(self, task: SegmentTask) -> None:
        if not self._sent:
            self._last_sign = time.monotonic()
            self._busy_since = self._last_sign
        self._sent[task.key] = task
        assert self._connection is not None
        self._connection.send(task)

    def _read_all(self, finished: list[SegmentResult]) -> None:
        assert self._connection is not None
        while self._connection.poll(0):
            kind, value = self._connection.recv()
            if kind == "taken":
                self._taken.add(value)
            elif kind == "mlx_bytes":
                self.mlx_bytes = value
            elif kind == "broken":
                raise _Broken(value)
            elif self._sent.pop(value.key, None) is not None:
                self._last_sign = time.monotonic()
                self._restarts_without_progress = 0
                self._taken.discard(value.key)
                if self._alone == value.key:
                    self._alone = None
                finished.append(value)
        if not self._sent:
            self._mark_idle()

    def _mark_idle(self) -> None:
        if self._busy_since is not None:
            self.busy_s += time.monotonic() - self._busy_since
            self._busy_since = None

    def _recover(self, why: str, timed_out: bool = False) -> list[SegmentResult]:
        """Kill, restart, and put the taken segments on trial; a segment that fails alone is given up."""
        self.kill()
        self.restarts += 1
        self._restarts_without_progress += 1
        lost: list[SegmentResult] = []
        if self._alone is not None and self._alone in self._sent:
            task = self._sent.pop(self._alone)
            flag = "recogniser_timeout" if timed_out else "recogniser_crash"
            lost.append(SegmentResult(key=task.key, text="", language=None, flags=(flag,), error=why))
            self._restarts_without_progress = 0
        self._alone = None
        taken = [task for key, task in self._sent.items() if key in self._taken]
        waiting = [task for key, task in self._sent.items() if key not in self._taken]
        self._suspects.extend(taken)
        self._to_send.extendleft(reversed(waiting))
        self._sent.clear()
        self._taken.clear()
        if self._restarts_without_progress > _RESTARTS_WITHOUT_PROGRESS:
            raise ModelUnavailable(f"the recogniser died {self._restarts_without_progress} times in a row: {why}")
        try:
            self.start()
        except EarshotError as error:
            raise ModelUnavailable(f"the recogniser could not be started again: {error}") from error
        return lost


class _Broken(WorkerCrashed):
    """The recogniser raised something nobody foresaw."""


def _how(process: Any, error: BaseException) -> str:
    if isinstance(error, _Broken):
        return f"the recogniser raised: {str(error).strip().splitlines()[-1]}"
    if process is not None:
        process.join(2.0)
    code = process.exitcode if process is not None else None
    return f"the recogniser process died (signal {-code})" if code and code < 0 else f"it died (exit code {code})"
