"""What a Ray actor is: one worker over the claims, on whatever machine the cluster has placed it."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.children.entry import progress_bars_without_semaphore
from pipeline.errors import OutputUnavailable, portable
from pipeline.records import EngineIdentity
from pipeline.run.crew import RecogniserFigures
from pipeline.run.joined import JoinedWorker
from pipeline.version import code_digest

OpenWorker = Callable[[Callable[[str], None]], AbstractContextManager[tuple[JoinedWorker, str]]]
"""Picklable; called once in the actor with where notices go. Gives the worker and its name in the claims."""
Answer = tuple[bool, Any]
"""Whether it succeeded, and what it gives or the EarshotError it raised: a foreign error may not survive the way."""


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
    """Its methods are called from several threads: `work` lasts as long as there are calls."""

    def __init__(self, open_worker: OpenWorker, folder: str) -> None:
        self._open_worker = open_worker
        self._folder = folder
        self._opened = ExitStack()
        self._worker: JoinedWorker | None = None
        self._notices: list[str] = []
        self._lock = threading.Lock()

    def greet(self) -> Answer:
        """Build the worker."""
        return _answer(self._greet)

    def identify(self) -> Answer:
        """Load the recogniser and tell which it is."""
        return _answer(self._load_recogniser)

    def work(self) -> Answer:
        """Until no call is left for it, or it is stopped. Gives its RecogniserFigures."""
        return _answer(self._work)

    def news(self) -> Answer:
        with self._lock:
            notices, self._notices = tuple(self._notices), []
        return True, News(in_hand=self._built.in_hand, notices=notices)

    def stop(self, reason: str) -> None:
        """No further call is begun."""
        if self._worker is not None:
            self._worker.signals.stop(reason)

    @property
    def _built(self) -> JoinedWorker:
        if self._worker is None:
            raise AssertionError("greet comes first")
        return self._worker

    def _greet(self) -> Greeting:
        _like_an_own_process(Path(self._folder))
        self._worker, name = self._opened.enter_context(self._open_worker(self._take_notice))
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


def _answer(ask: Callable[[], Any]) -> Answer:
    try:
        return True, ask()
    except Exception as error:  # noqa: BLE001 - handed to the run, which raises it
        logging.getLogger("earshot.run").warning("this worker cannot go on: %s", error)
        return False, portable(error)


def _like_an_own_process(folder: Path) -> None:
    """In the folder of Earshot, with children that do not load Ray, which each would do for the actor's main module."""
    try:
        os.chdir(folder)
    except OSError as error:
        raise OutputUnavailable(
            f"{socket.gethostname()}: {folder}: {error.strerror}; Earshot must be in the same folder on every machine "
            "of the cluster, or ray.folder must name it"
        ) from None
    main = sys.modules["__main__"]
    if "ray" in str(getattr(main, "__file__", "")):
        del main.__file__
    progress_bars_without_semaphore()
