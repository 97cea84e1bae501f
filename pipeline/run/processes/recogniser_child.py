"""What runs in the recogniser's process: windows come by reference, each segment's result goes when it is finished."""

from __future__ import annotations

import itertools
import math
import queue
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.audio.decoding.spool import read_samples
from pipeline.children.entry import Serve
from pipeline.errors import portable
from pipeline.records import EngineIdentity
from pipeline.run.performance import mlx_bytes_here
from pipeline.threads import begun
from pipeline.transcription.engine import (
    CallSpeech,
    EngineDescription,
    Samples,
    SegmentPlace,
    SegmentRequest,
    SegmentResult,
)
from pipeline.transcription.windows import PAUSE_S, join

_REFILL_WAIT_S = 0.02
"""How long the engine waits for another window before it goes on with the ones it has."""


class Recogniser(Protocol):
    """The chosen engine behind its trust gates, as it lives in the process."""

    def load(self) -> tuple[EngineDescription, EngineIdentity]: ...

    def transcribe(self, requests: Iterable[SegmentRequest]) -> Iterator[SegmentResult]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTask:
    """A segment by reference: the process reads the samples itself."""

    key: str
    samples_path: Path
    start_s: float
    end_s: float
    language: str | None
    place: SegmentPlace | None = None
    before_s: float = 0.0
    """Seconds of the channel's sound before it that are heard with it."""
    after_s: float = 0.0
    """The same after it."""

    def read(self) -> Samples:
        return read_samples(self.samples_path, self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class WindowTask:
    """Segments of one channel to recognise together, at least one. The result is one for each of them."""

    segments: tuple[SegmentTask, ...]
    call_id: str = ""
    clearest: tuple[SegmentTask, ...] = ()
    """The call's clearest speech, where its language is to be heard."""
    longest_s: float = 0.0
    """See `CallSpeech`."""
    priority: int = 0
    """Higher is recognised first."""

    @property
    def key(self) -> str:
        return self.segments[0].key

    def apart(self, keys: Container[str]) -> list[WindowTask]:
        """Those of its segments that `keys` names, each by itself."""
        alone = (replace(segment, before_s=0.0, after_s=0.0) for segment in self.segments if segment.key in keys)
        return [replace(self, segments=(segment,)) for segment in alone]

    def read(self) -> SegmentRequest:
        """The request, with its samples. Raises OSError."""
        call = None
        if self.clearest:
            call = CallSpeech(call_id=self.call_id, read=self._clearest, longest_s=self.longest_s)
        requests = [
            SegmentRequest(
                key=segment.key,
                samples=segment.read(),
                language=segment.language,
                place=segment.place,
                call=call,
            )
            for segment in self.segments
        ]
        first, last = self.segments[0], self.segments[-1]
        return join(
            requests,
            [_pause(before, after) for before, after in pairwise(self.segments)],
            read_samples(first.samples_path, first.start_s - first.before_s, first.start_s),
            read_samples(last.samples_path, last.end_s, last.end_s + last.after_s),
        )

    def _clearest(self) -> Samples:
        samples: Samples = np.concatenate([segment.read() for segment in self.clearest])
        return samples


def _pause(before: SegmentTask, after: SegmentTask) -> Samples | None:
    """None for silence."""
    path, begins_s = before.samples_path, max(before.end_s, after.start_s)
    if begins_s - before.end_s <= PAUSE_S:
        return read_samples(path, before.end_s, begins_s)
    if not before.after_s and not after.before_s:
        return None
    sounds = (
        read_samples(path, before.end_s, before.end_s + before.after_s),
        read_samples(path, begins_s - after.before_s, begins_s),
    )
    return np.concatenate(sounds)


def set_up(
    build: Callable[..., Recogniser], arguments: tuple[Any, ...], skip: Mapping[str, str]
) -> tuple[tuple[EngineDescription, EngineIdentity], Serve]:
    """For `ChildProcess`: build and load, then serve."""
    recogniser = build(*arguments, skip=skip) if skip else build(*arguments)
    return recogniser.load(), partial(_serve, recogniser)


def _serve(recogniser: Recogniser, connection: Connection) -> None:
    inbox: Inbox = queue.PriorityQueue()
    begun("inbox", _receive, connection, inbox)
    while (first := inbox.get()[2]) is not None:
        try:
            for result in recogniser.transcribe(_Waiting(first, inbox, connection)):
                connection.send(("mlx_bytes", mlx_bytes_here()))
                connection.send(("done", result))
        except Exception as error:  # noqa: BLE001 - the supervisor restarts us and finds the segment to blame
            connection.send(("raised", portable(error)))
            return


Inbox = queue.PriorityQueue[tuple[float, int, WindowTask | None]]
"""Windows by their negative priority and the order of their arrival; None, the end, comes after all of them."""
_END: tuple[float, int, None] = (math.inf, 0, None)


def _receive(connection: Connection, inbox: Inbox) -> None:
    for number in itertools.count():
        try:
            task: WindowTask = connection.recv()
        except (EOFError, OSError):
            inbox.put(_END)
            return
        inbox.put((-task.priority, number, task))


class _Waiting:
    """The windows that wait now. Ends when none waits, so that it never holds up a batch. An engine with work under
    way may ask again and gets those that arrived meanwhile."""

    def __init__(self, first: WindowTask, inbox: Inbox, connection: Connection) -> None:
        self._first: WindowTask | None = first
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
        return task.read()

    def _next_waiting(self) -> WindowTask | None:
        """Waits a little where one just came; between the steps of a batch under way it does not wait."""
        try:
            _, _, task = self._inbox.get(timeout=_REFILL_WAIT_S) if self._flowing else self._inbox.get_nowait()
        except queue.Empty:
            self._flowing = False
            return None
        self._flowing = True
        if task is None:
            self._inbox.put(_END)  # the end: for the serving loop too
        return task
