"""What a Ray actor is: one worker over the claims, on whatever machine the cluster has placed it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.disk import spooling, write_at
from pipeline.records import EngineIdentity
from pipeline.run.context import Hire
from pipeline.run.crew import RecogniserFigures
from pipeline.run.executors.ray_cluster.process import Answer, answered, like_an_own_process
from pipeline.run.joined_worker import JoinedWorker
from pipeline.version import code_digest

OpenWorker = Callable[[Callable[[str], None], Hire], AbstractContextManager[tuple[JoinedWorker, str]]]
"""Picklable; called once in the actor with where notices go, and who decodes and analyses. Gives the worker and its
name in the claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """Of a worker that has a machine."""

    name: str
    """In the claims."""
    host: str
    code: str
    """`code_digest` there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a worker tells while it works."""

    in_hand: int
    """Calls it is not done with."""
    notices: tuple[str, ...] = ()
    """For a person, since the last news."""


class Host:
    """Its methods are called from several threads: `work` lasts as long as there are calls.

    The recogniser is its own; decoding and analysis are tasks (`hire`), which bring and fetch what lies in its spool in
    pieces where they do not see that folder.
    """

    def __init__(self, open_worker: OpenWorker, hire: Hire, folder: str) -> None:
        self._open_worker = open_worker
        self._hire = hire
        self._folder = folder
        self._opened = ExitStack()
        self._worker: JoinedWorker | None = None
        self._notices: list[str] = []
        self._lock = threading.Lock()

    def greet(self) -> Answer:
        """Build the worker."""
        return answered(self._greet)

    def identify(self) -> Answer:
        """Load the recogniser and tell which it is."""
        return answered(self._load_recogniser)

    def work(self) -> Answer:
        """Until no call is left for it, or it is stopped. Gives its RecogniserFigures."""
        return answered(self._work)

    def news(self) -> Answer:
        with self._lock:
            notices, self._notices = tuple(self._notices), []
        return True, News(in_hand=self._built.in_hand, notices=notices)

    def stop(self, reason: str) -> None:
        """No further call is begun."""
        if self._worker is not None:
            self._worker.signals.stop(reason)

    def read_piece(self, path: Path, offset: int, most: int) -> Answer:
        """Up to `most` bytes of a file of this worker, for a task elsewhere; none at its end."""
        return answered(partial(_read_piece, path, offset, most))

    def write_piece(self, path: Path, offset: int, content: bytes) -> Answer:
        """From a task elsewhere, into this worker's spool."""
        return answered(partial(_write_piece, path, offset, content))

    @property
    def _built(self) -> JoinedWorker:
        if self._worker is None:
            raise AssertionError("greet comes first")
        return self._worker

    def _greet(self) -> Greeting:
        like_an_own_process(Path(self._folder))
        self._worker, name = self._opened.enter_context(self._open_worker(self._take_notice, self._hire))
        return Greeting(name=name, host=socket.gethostname(), code=code_digest())

    def _load_recogniser(self) -> EngineIdentity:
        return self._built.load_recogniser()

    def _work(self) -> RecogniserFigures:
        try:
            self._built.work(stays=False)
            return self._built.figures
        finally:
            self._opened.close()

    def _take_notice(self, message: str) -> None:
        with self._lock:
            self._notices.append(message)


def _read_piece(path: Path, offset: int, most: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(most)


def _write_piece(path: Path, offset: int, content: bytes) -> None:
    with spooling(path.parent), path.open("r+b" if offset else "wb") as file:
        write_at(file.fileno(), content, offset)
