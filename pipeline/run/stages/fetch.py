"""Before the first stage: which call is next, and bringing remote recordings here ahead of the decoders.

`run.io_workers` threads. A recording on this machine passes straight through: the decoder's process opens it, under its
time limit, so that a hanging disk costs a worker process and not a thread of ours.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pipeline.config.areas.buckets import in_bucket
from pipeline.disk import spooling
from pipeline.errors import WorkerCrashed, portable
from pipeline.plurals import counted
from pipeline.records import Claim
from pipeline.run.context import RunContext
from pipeline.run.planning.claimed import planned_call
from pipeline.run.planning.decisions import needs_audio
from pipeline.run.planning.plan import PlannedCall
from pipeline.run.stages.room import Room
from pipeline.run.stages.work import Finished, StageQueue, Work, failure_of, with_retries
from pipeline.sources.source import fetch_files
from pipeline.threads import begun

_LOOK_AGAIN_S = 0.5


class FetchStage:
    """Hands out the planned calls while there is memory for them and the run is not to stop."""

    def __init__(self, context: RunContext, spool: Path, steps_on_audio: frozenset[str]) -> None:
        self._context = context
        self._signals = context.signals
        self._settings = context.signals.settings
        self._recorder = context.recorder
        self._spool = spool
        self._steps_on_audio = steps_on_audio
        self._desk = context.desk
        self._room = Room(self._settings.fetched_mb * 2**20)

    def start(self, out: StageQueue[Work], finished: StageQueue[Finished]) -> list[threading.Thread]:
        threads = [begun(f"fetch-{number}", self._loop, out, finished) for number in range(self._settings.io_workers)]
        if self._desk.takes_urgent:  # the others wait where the queue is full
            threads.append(begun("fetch-urgent", self._loop, out, finished, True))
        return threads

    def _loop(self, out: StageQueue[Work], finished: StageQueue[Finished], urgent: bool = False) -> None:
        try:
            while (claim := self._next(urgent)) is not None:
                planned = planned_call(claim.call)
                work = Work(claim=claim, planned=planned, spool=self._spool / uuid.uuid4().hex)
                if claim.attempts > self._settings.attempts:
                    finished.put(failure_of(work, "claim", _deadly(claim.attempts - 1)))
                elif not self._is_remote(planned):
                    out.put(work, work.priority)
                elif not self._has_room(work):
                    return  # the run is stopping; its desk gives the call back
                elif self._fetch(work, finished):
                    out.put(work, work.priority)
                else:
                    self._room.give(_bytes_of(work))
        except BaseException as error:  # noqa: BLE001 - a bug in a stage must end the run, not hang it
            self._signals.fail(portable(error))
        finally:
            out.writer_done()
            finished.writer_done()

    def _next(self, urgent: bool) -> Claim | None:
        """The next call, once there is memory for it; None when none is left or the run is stopping.

        While the last ones are under way, here or with another worker, it waits: a worker that dies leaves its calls.
        """
        while True:
            self._signals.check_clock()
            if self._signals.stopping.is_set():
                return None
            if not urgent and self._memory_is_short():
                self._signals.stopping.wait(_LOOK_AGAIN_S)
                continue
            claim = self._desk.next_urgent() if urgent else self._desk.next()
            if claim is not None or self._desk.finished:
                return claim
            if urgent:
                self._signals.stopping.wait(_LOOK_AGAIN_S)
            else:
                self._desk.wait(_LOOK_AGAIN_S)

    def _memory_is_short(self) -> bool:
        limit_gb = self._settings.max_memory_gb or default_limit_gb()
        short = self._recorder.memory_bytes() > limit_gb * self._settings.memory_threshold * 1e9
        # With nothing under way, waiting would free no memory: go on, one call at a time.
        return short and sum(self._recorder.queues().values()) > 0

    def _is_remote(self, planned: PlannedCall) -> bool:
        return in_bucket(planned.found.source_uri) and needs_audio(planned, self._steps_on_audio)

    def _has_room(self, work: Work) -> bool:
        """Wait for room for the call's files; False when the run is to stop meanwhile."""
        while not self._room.take(_bytes_of(work), _LOOK_AGAIN_S, at_once=work.is_urgent):
            self._signals.check_clock()
            if self._signals.stopping.is_set():
                return False
        return True

    def _fetch(self, work: Work, finished: StageQueue[Finished]) -> bool:
        """Fetch the recording. On an error, record the error and return False."""
        began = time.perf_counter()
        self._desk.tell(work.claim, "fetch")
        try:
            with self._recorder.stage("fetch", work.file_name):
                with_retries(lambda: self._once(work), self._settings, self._signals, self._context.observer.notice)
        except Exception as error:  # noqa: BLE001 - what is odd about one recording is no reason to lose the others
            work.drop_spool()
            if not self._signals.abandoned.is_set():
                finished.put(failure_of(work, "fetch", portable(error)))
            return False
        work.timings_s["fetch"] = time.perf_counter() - began
        return True

    def _once(self, work: Work) -> None:
        work.drop_spool()
        with spooling(work.spool.parent):
            work.spool.mkdir(parents=True)
        source, limit_s = self._context.parts.source, self._settings.fetch_timeout_s
        work.fetched = self._giving_room(fetch_files(source, work.planned.found, work.spool, limit_s), _bytes_of(work))
        work.local_paths = work.fetched.__enter__()

    @contextmanager
    def _giving_room(
        self, files: AbstractContextManager[tuple[Path, ...]], size_bytes: int
    ) -> Iterator[tuple[Path, ...]]:
        with files as paths:
            try:
                yield paths
            finally:
                self._room.give(size_bytes)


def _bytes_of(work: Work) -> int:
    return sum(file.size_bytes for file in work.planned.found.files)


def _deadly(times: int) -> WorkerCrashed:
    """It may be the call that kills them: it is not given to one worker after the other."""
    return WorkerCrashed(f"{counted(times, 'worker')} died or went silent while they had it")


def default_limit_gb() -> float:
    """80 % of the machine's memory."""
    import psutil

    return float(psutil.virtual_memory().total) * 0.8 / 1e9
