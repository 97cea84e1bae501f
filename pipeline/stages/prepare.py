"""First stage: bring a recording here, decode it, find its speech; in spawned processes, ahead of the recogniser."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import EarshotError
from pipeline.log_lines import about_call
from pipeline.parts import PrepareTask, RunContext
from pipeline.plan import PlannedCall, needs_audio
from pipeline.processes import SpawnedWorker, portable
from pipeline.records import PreparedCall, SkippedFile
from pipeline.stages.shared import Finished, StageQueue, Work, failure_of, with_retries


class PrepareStage:
    """`run.decode_workers` threads, each with a process of its own."""

    def __init__(self, context: RunContext, spool: Path, steps_on_audio: frozenset[str], stop_at: float | None) -> None:
        self._parts = context.parts
        self._signals = context.signals
        self._settings = context.signals.settings
        self._recorder = context.recorder
        self._observer = context.observer
        self._run_id = context.run_id
        self._spool = spool
        self._steps_on_audio = steps_on_audio
        self._stop_at = stop_at
        self._lock = threading.Lock()
        self._calls: Iterator[PlannedCall] = iter(())
        self._workers: list[SpawnedWorker] = []
        self._said: set[tuple[str, str]] = set()
        self.begun = 0

    def start(
        self, calls: list[PlannedCall], out: StageQueue[Work], finished: StageQueue[Finished]
    ) -> list[threading.Thread]:
        self._calls = iter(calls)
        threads = []
        for number in range(self._settings.decode_workers):
            worker = SpawnedWorker("decoder", self._parts.preparer.build, self._parts.preparer.arguments)
            self._workers.append(worker)
            thread = threading.Thread(
                target=self._loop, args=(worker, out, finished), name=f"prepare-{number}", daemon=True
            )
            threads.append(thread)
            thread.start()
        return threads

    def close(self) -> None:
        for worker in self._workers:
            worker.close()

    def _loop(self, worker: SpawnedWorker, out: StageQueue[Work], finished: StageQueue[Finished]) -> None:
        try:
            while (planned := self._next()) is not None:
                with about_call(planned.found.file_name, planned.known.call_id if planned.known else None, "prepare"):
                    self._one(worker, planned, out, finished)
        except BaseException as error:  # noqa: BLE001 - a bug in a stage must end the run, not hang it
            self._signals.fail(portable(error))
        finally:
            out.writer_done()
            finished.writer_done()
            worker.close()

    def _next(self) -> PlannedCall | None:
        """The next call, once there is memory for it; None when there is none or the run is stopping."""
        while True:
            self._signals.check_clock(self._stop_at)
            if self._signals.stopping.is_set():
                return None
            if not self._memory_is_short():
                break
            self._signals.stopping.wait(0.5)
        with self._lock:
            planned = next(self._calls, None)
            self.begun += planned is not None
            return planned

    def _memory_is_short(self) -> bool:
        limit_gb = self._settings.max_memory_gb or _default_limit_gb()
        short = self._recorder.memory_bytes() > limit_gb * self._settings.memory_threshold * 1e9
        # With nothing under way waiting would free nothing: go on, one call at a time.
        return short and sum(self._recorder.queues().values()) > 0

    def _one(
        self, worker: SpawnedWorker, planned: PlannedCall, out: StageQueue[Work], finished: StageQueue[Finished]
    ) -> None:
        work = Work(planned=planned, spool=self._spool / uuid.uuid4().hex)
        if not needs_audio(planned, self._steps_on_audio):
            out.put(work)
            return
        began = time.perf_counter()
        try:
            with self._recorder.stage("prepare", work.file_name):
                answer = with_retries(
                    lambda: self._call(worker, work), self._settings, self._signals, self._observer.notice
                )
        except EarshotError as error:
            work.drop_spool()
            if not self._signals.abandoned.is_set():
                finished.put(failure_of(work, self._run_id, "prepare", error))
            return
        if isinstance(answer, SkippedFile):
            work.drop_spool()
            finished.put(answer)
            return
        assert isinstance(answer, PreparedCall)
        work.prepared = answer
        self._say_once(answer)
        work.timings_s["prepare"] = time.perf_counter() - began
        work.timings_s.update({f"prepare.{name}": seconds for name, seconds in answer.timings_s.items()})
        out.put(work)

    def _say_once(self, prepared: PreparedCall) -> None:
        with self._lock:
            unsaid = {flag: why for flag, why in prepared.notes.items() if (flag, why) not in self._said}
            self._said |= set(unsaid.items())
        for flag, why in unsaid.items():
            self._observer.notice(f"{flag}: {why}")

    def _call(self, worker: SpawnedWorker, work: Work) -> object:
        work.drop_spool()
        work.spool.mkdir(parents=True)
        size_mb = work.planned.found.size_bytes / 1e6
        limit_s = (
            self._settings.fetch_timeout_s
            + self._settings.prepare_timeout_s
            + size_mb * self._settings.prepare_timeout_per_mb_s
        )
        return worker.call(PrepareTask(work.planned.found, work.spool, limit_s), limit_s)


def _default_limit_gb() -> float:
    import psutil

    return float(psutil.virtual_memory().total) * 0.8 / 1e9
