"""What runs in the recogniser's process: it takes segments by reference and hands each result back when finished."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from pipeline.audio.decoding.spool import read_samples
from pipeline.children.entry import Serve
from pipeline.errors import portable
from pipeline.records import EngineIdentity
from pipeline.run.performance import mlx_bytes_here
from pipeline.transcription.engine import EngineDescription, SegmentPlace, SegmentRequest, SegmentResult

_REFILL_WAIT_S = 0.02
"""How long the engine waits for another segment before it goes on with the ones it has."""


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


def set_up(
    build: Callable[..., Recogniser], arguments: tuple[Any, ...], skip: Mapping[str, str]
) -> tuple[tuple[EngineDescription, EngineIdentity], Serve]:
    """For `ChildProcess`: build and load, then serve."""
    recogniser = build(*arguments, skip=skip) if skip else build(*arguments)
    return recogniser.load(), partial(_serve, recogniser)


def _serve(recogniser: Recogniser, connection: Connection) -> None:
    inbox: queue.SimpleQueue[SegmentTask | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, inbox), daemon=True, name="inbox").start()
    while (first := inbox.get()) is not None:
        try:
            for result in recogniser.transcribe(_Waiting(first, inbox, connection)):
                connection.send(("mlx_bytes", mlx_bytes_here()))
                connection.send(("done", result))
        except Exception as error:  # noqa: BLE001 - the supervisor restarts us and finds the segment to blame
            connection.send(("raised", portable(error)))
            return


def _receive(connection: Connection, inbox: queue.SimpleQueue[SegmentTask | None]) -> None:
    while True:
        try:
            inbox.put(connection.recv())
        except (EOFError, OSError):
            inbox.put(None)
            return


class _Waiting:
    """The segments that wait now. Ends when none waits, so that it never holds up a batch. An engine with work under
    way may ask again and gets those that arrived meanwhile."""

    def __init__(
        self, first: SegmentTask, inbox: queue.SimpleQueue[SegmentTask | None], connection: Connection
    ) -> None:
        self._first: SegmentTask | None = first
        self._inbox = inbox
        self._connection = connection
        self._flowing = True

    def __iter__(self) -> Iterator[SegmentRequest]:
        return self

    def __next__(self) -> SegmentRequest:
        task, self._first = self._first, None
        task = task or self._next_waiting()
        if task is None:
            raise StopIteration
        self._connection.send(("taken", task.key))
        return SegmentRequest(
            key=task.key,
            samples=read_samples(task.samples_path, task.start_s, task.end_s),
            language=task.language,
            place=task.place,
        )

    def _next_waiting(self) -> SegmentTask | None:
        """Waits a little where one just came; between the steps of a batch under way it does not wait."""
        try:
            task = self._inbox.get(timeout=_REFILL_WAIT_S) if self._flowing else self._inbox.get_nowait()
        except queue.Empty:
            self._flowing = False
            return None
        self._flowing = True
        if task is None:
            self._inbox.put(None)  # the end: for the serving loop too
        return task
