"""First stage: decode a recording and find its speech; in spawned processes, ahead of the recogniser."""

from __future__ import annotations

import threading
import time

from pipeline.children.worker import TaskServer
from pipeline.disk import spooling
from pipeline.errors import EarshotError, portable
from pipeline.log_lines import about_call
from pipeline.records import PreparedCall, SkippedFile, erased_file
from pipeline.run.context import RunContext
from pipeline.run.planning.decisions import needs_audio
from pipeline.run.processes.preparer import PrepareTask
from pipeline.run.stages.work import URGENT, Finished, StageQueue, Unusable, Work, failure_of, with_retries
from pipeline.threads import begun


class PrepareStage:
    """`run.decode_workers` threads, each with a process of its own."""

    def __init__(self, context: RunContext, steps_on_audio: frozenset[str]) -> None:
        self._parts = context.parts
        self._signals = context.signals
        self._settings = context.signals.settings
        self._recorder = context.recorder
        self._observer = context.observer
        self._desk = context.desk
        self._steps_on_audio = steps_on_audio
        self._lock = threading.Lock()
        self._workers: list[TaskServer] = []
        self._said: set[tuple[str, str]] = set()

    def start(
        self, inbox: StageQueue[Work], out: StageQueue[Work], finished: StageQueue[Finished]
    ) -> list[threading.Thread]:
        threads = []
        for number in range(self._settings.decode_workers):
            worker = self._parts.hire("decoder", self._parts.preparer, "run.prepare_timeout_s")
            self._workers.append(worker)
            threads.append(begun(f"prepare-{number}", self._loop, worker, inbox, out, finished))
        return threads

    def close(self) -> None:
        for worker in self._workers:
            worker.close()

    def _loop(
        self,
        worker: TaskServer,
        inbox: StageQueue[Work],
        out: StageQueue[Work],
        finished: StageQueue[Finished],
    ) -> None:
        try:
            while not inbox.finished:
                # With nowhere to put it, a call is not begun: an urgent one must find a free process.
                promised = out.promise()
                try:
                    work = inbox.get(least=None if promised else URGENT)
                    if work is not None:
                        self._begin(worker, work, out, finished)
                finally:
                    if promised:
                        out.withdraw()
        except BaseException as error:  # noqa: BLE001 - a bug in a stage must end the run, not hang it
            self._signals.fail(portable(error))
        finally:
            out.writer_done()
            finished.writer_done()
            worker.close()

    def _begin(self, worker: TaskServer, work: Work, out: StageQueue[Work], finished: StageQueue[Finished]) -> None:
        if self._signals.stopping.is_set():
            work.drop_fetched()  # fetched, but not begun: the next run does it
            return
        self._desk.tell(work.claim, "prepare")
        known = work.planned.known
        with about_call(work.file_name, known.call_id if known else None, "prepare", work.claim.origin):
            self._one(worker, work, out, finished)

    def _one(self, worker: TaskServer, work: Work, out: StageQueue[Work], finished: StageQueue[Finished]) -> None:
        if not needs_audio(work.planned, self._steps_on_audio):
            out.put(work, work.priority)
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
                finished.put(failure_of(work, "prepare", error))
            return
        finally:
            work.drop_fetched()
        if isinstance(answer, SkippedFile):
            work.drop_spool()
            finished.put(Unusable(work, answer))
            return
        assert isinstance(answer, PreparedCall)
        found = work.planned.found
        if self._parts.store.is_erased(found, answer.audio_sha256):
            work.drop_spool()
            finished.put(Unusable(work, erased_file(found)))
            return
        work.prepared = answer
        self._say_once(answer)
        work.timings_s["prepare"] = time.perf_counter() - began
        work.timings_s.update({f"prepare.{name}": seconds for name, seconds in answer.timings_s.items()})
        out.put(work, work.priority)

    def _say_once(self, prepared: PreparedCall) -> None:
        with self._lock:
            unsaid = {flag: why for flag, why in prepared.notes.items() if (flag, why) not in self._said}
            self._said |= set(unsaid.items())
        for flag, why in unsaid.items():
            self._observer.notice(f"{flag}: {why}")

    def _call(self, worker: TaskServer, work: Work) -> object:
        if not work.local_paths:
            work.drop_spool()
        with spooling(work.spool.parent):
            work.spool.mkdir(parents=True, exist_ok=True)
        size_mb = work.planned.found.size_bytes / 1e6
        limit_s = (
            self._settings.fetch_timeout_s
            + self._parts.prepare_extra_s
            + self._settings.prepare_timeout_s
            + size_mb * self._settings.prepare_timeout_per_mb_s
        )
        task = PrepareTask(
            work.planned.found, work.spool, limit_s, work.local_paths, fetch_limit_s=self._settings.fetch_timeout_s
        )
        return worker.call(task, limit_s)
