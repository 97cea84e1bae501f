"""Third stage: the enrichments, in a spawned process; several calls at once where several wait."""

from __future__ import annotations

import threading

from pipeline.children.worker import TaskServer
from pipeline.config.areas.run import Reprocess
from pipeline.errors import EarshotError, StartupError, WorkerCrashed, portable
from pipeline.log_lines import about_call
from pipeline.records import StepResult
from pipeline.run.context import RunContext
from pipeline.run.planning.plan import Action
from pipeline.run.processes.analyser import AnalyseAnswer, AnalyseTask, CallToAnalyse, failed, keep_better
from pipeline.run.stages.work import URGENT, Finished, StageQueue, Work, failure_of
from pipeline.threads import begun


class AnalyseStage:
    """`run.analysis_workers` threads, each with a process of its own."""

    def __init__(self, context: RunContext, workers: list[TaskServer], step_names: tuple[str, ...]) -> None:
        self._parts = context.parts
        self._signals = context.signals
        self._settings = context.signals.settings
        self._recorder = context.recorder
        self._observer = context.observer
        self._tally = context.tally
        self._desk = context.desk
        self._workers = workers
        self._step_names = step_names

    def start(self, inbox: StageQueue[Work], finished: StageQueue[Finished]) -> list[threading.Thread]:
        return [
            begun(f"analyse-{number}", self._loop, worker, inbox, finished)
            for number, worker in enumerate(self._workers)
        ]

    def close(self) -> None:
        for worker in self._workers:
            worker.close()

    def _loop(self, worker: TaskServer, inbox: StageQueue[Work], finished: StageQueue[Finished]) -> None:
        try:
            while not inbox.finished:
                first = inbox.get()
                if first is None:
                    continue
                # An urgent call does not wait for the analysis of others.
                least = URGENT if first.is_urgent else None
                batch = [first, *inbox.take_waiting(self._settings.calls_per_batch - 1, least)]
                for work in batch:
                    self._desk.tell(work.claim, "analyse")
                for item in self._analyse(worker, batch):
                    finished.put(item)
        except BaseException as error:  # noqa: BLE001 - a bug in a stage must end the run, not hang it
            self._signals.fail(portable(error))
        finally:
            finished.writer_done()
            worker.close()

    def _analyse(self, worker: TaskServer, batch: list[Work], *, again: bool = False) -> list[Finished]:
        """The batch with its results; a batch that breaks the process is tried call by call, and a call once more."""
        try:
            calls = tuple(self._item(work) for work in batch)
        except StartupError:
            raise  # the database is gone for good: no fault of these calls
        except EarshotError as error:
            if len(batch) == 1:
                return [failure_of(batch[0], "analyse", error)]
            return [item for work in batch for item in self._analyse(worker, [work])]
        began_s = self._recorder.now_s()
        try:
            answer: AnalyseAnswer = worker.call(AnalyseTask(calls), self._settings.analysis_timeout_s)
        except EarshotError as error:
            if self._signals.abandoned.is_set():
                return []
            if len(batch) > 1:
                return [item for work in batch for item in self._analyse(worker, [work])]
            if isinstance(error, WorkerCrashed) and not again:
                return self._analyse(worker, batch, again=True)  # it may have been killed for another's sake
            with about_call(batch[0].file_name, batch[0].call_id, "analyse", batch[0].claim.origin):
                self._observer.notice(f"{batch[0].file_name}: analysis failed: {error}")
            batch[0].steps = keep_better(self._all_failed(calls[0], str(error)), calls[0].earlier)
            return list(batch)
        self._time(batch, answer, began_s)
        for work, results, item in zip(batch, answer.results, calls, strict=True):
            work.steps = keep_better(results, item.earlier)
            self._tally.asked(work.steps)
        return list(batch)

    def _item(self, work: Work) -> CallToAnalyse:
        """A touched, moved or restored recording whose transcript is already stored keeps its current steps."""
        assert work.transcript is not None
        planned = work.planned
        again = planned.forced or self._settings.reprocess in (Reprocess.ANALYSIS, Reprocess.ALL)
        return CallToAnalyse(
            call=work.for_analysis(),
            wanted=planned.steps if planned.action is Action.ANALYSE else None,
            earlier=self._parts.store.step_results(work.call_id, work.transcript.fingerprint),
            keep_current=not again,
        )

    def _all_failed(self, item: CallToAnalyse, reason: str) -> tuple[StepResult, ...]:
        wanted = self._step_names if item.wanted is None else sorted(item.wanted)
        return tuple(failed(name, "", reason) for name in wanted)

    def _time(self, batch: list[Work], answer: AnalyseAnswer, began_s: float) -> None:
        end_s = self._recorder.now_s()
        for work in batch:
            self._recorder.add("analyse", work.file_name, began_s, end_s, work.duration_s)
            for name, seconds in answer.timings_s.items():
                work.timings_s[f"analyse.{name}"] = seconds / len(batch)
            work.timings_s["analyse"] = (end_s - began_s) / len(batch)
