"""A run, from the plan to the last row: stages with bounded queues, one owner of the recogniser."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.children.worker import Worker
from pipeline.config.areas.run import RunSettings
from pipeline.errors import StartupError, described
from pipeline.plurals import counted
from pipeline.purse import Purse, SharedPurse
from pipeline.records import EngineIdentity, SkippedFile
from pipeline.run.analyser import DescribeTask
from pipeline.run.context import BatchParts, RunContext, RunObserver, RunSignals, Tally
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.decisions import leave
from pipeline.run.planning.paired_files import said_of_sides
from pipeline.run.planning.plan import Action, Plan
from pipeline.run.planning.planner import Planner, asked_of
from pipeline.run.planning.recipes import Recipe
from pipeline.run.recogniser_process import RecogniserProcess
from pipeline.run.reconcile import Reconciliation, addresses, reconcile, skipped_recordings
from pipeline.run.spool_folder import own_spool, spent_file
from pipeline.run.stages.analyse import AnalyseStage
from pipeline.run.stages.fetch import FetchStage
from pipeline.run.stages.prepare import PrepareStage
from pipeline.run.stages.recognise import RecogniseStage
from pipeline.run.stages.store import StoreStage
from pipeline.run.stages.work import Finished, StageQueue, Work
from pipeline.sources.source import said_aloud

_HEARTBEAT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """The outcome of a run."""

    plan: Plan
    tally: Tally
    identity: EngineIdentity | None
    interrupted: str | None
    """Signal that stopped it early; None when no work was left to stop."""
    planned_stop: str | None = None
    """Why the clock stopped it early; None when no work was left to stop."""
    recogniser_busy_s: float
    recogniser_span_s: float
    """From the first segment sent to the last one finished."""
    recogniser_restarts: int
    wall_s: float
    reconciliation: Reconciliation
    spent: Purse = field(default_factory=Purse)
    """On transcription services: US dollars of those whose price is known, and billed seconds."""

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.reconciliation.counts)

    @property
    def adds_up(self) -> bool:
        return self.reconciliation.adds_up


class Batch:
    """One run. Used once: `open`, `plan`, `work`, `close`."""

    def __init__(
        self,
        settings: RunSettings,
        parts: BatchParts,
        observer: RunObserver,
        recipe: Recipe,
        recorder: PerformanceRecorder | None = None,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._observer = observer
        self._recipe = recipe
        self.recorder = recorder or PerformanceRecorder()
        self.signals = RunSignals(settings)
        self.tally = Tally()
        self._analysers = [
            Worker(
                "analysis",
                parts.analyser.build,
                parts.analyser.arguments,
                one_core=True,
                limit_key="run.analysis_timeout_s",
            )
            for _ in range(settings.analysis_workers)
        ]
        self._process = RecogniserProcess(
            parts.recogniser,
            parts.recogniser_arguments,
            settings.recogniser_load_timeout_s,
            settings.segment_timeout_s,
            parts.segment_time_limit_s,
        )
        self._identity: EngineIdentity | None = None
        self._steps: tuple[tuple[str, ...], frozenset[str]] | None = None
        self._prepare: PrepareStage | None = None
        self._spent = Purse()

    def plan(self) -> Plan:
        """Find the calls and decide on each. Loads the recogniser only when a decision depends on it."""
        planner = Planner(
            settings=self._settings,
            recipe=self._recipe,
            store=self._parts.store,
            fingerprints=asked_of(self._analysers[0], self._settings.analysis_timeout_s),
            recogniser=self.load_recogniser,
            look_round=self.signals.raise_if_stopping,
        )
        plan = planner.plan(self._parts.source.discover())
        for message in (*said_aloud(plan.skipped), *said_of_sides(plan)):
            self._observer.notice(message)
        if plan.erased:
            left_out = counted(plan.erased, "recording is", "recordings are")
            self._observer.notice(f"{left_out} left out: erased earlier (db purge), and still there")
        return plan

    def load_recogniser(self) -> EngineIdentity:
        """Which engine serves today. Raises ModelUnavailable, RunInterrupted."""
        if self._identity is None:
            description, self._identity = self._process.start(self.signals.raise_if_stopping)
            for why in self._identity.passed_over:
                self._observer.notice(f"not used: {why}")
            self._observer.notice(f"recogniser: {description.engine}, {description.model} {description.detail}".strip())
            if description.sends_audio_to:
                self._observer.notice(
                    f"the audio of calls leaves this machine: it is sent to {description.sends_audio_to}"
                )
        return self._identity

    @property
    def recogniser_pid(self) -> int | None:
        """Of the recogniser's process; None before it is started."""
        return self._process.pid

    def _describe_steps(self) -> tuple[tuple[str, ...], frozenset[str]]:
        if self._steps is None:
            names, on_audio = self._analysers[0].call(DescribeTask(), self._settings.analysis_timeout_s)
            self._steps = (tuple(names), frozenset(on_audio))
        return self._steps

    def work(self, plan: Plan, run_id: str) -> BatchResult:
        """Do what the plan says. Raises only errors that end the run; a single call just fails.

        An interrupt is a call to `signals.stop` from a signal handler: calls under way get `run.stop_grace_s`.
        """
        self.signals.check_clock()
        stopping = self.signals.stopping
        if any(call.action is not Action.ANALYSE for call in plan.to_do) and not stopping.is_set():
            self.load_recogniser()
        began = time.monotonic()
        self._save_skipped(skipped_recordings(plan), run_id)
        self._observer.planned(len(plan.to_do), sum(call.found.size_bytes for call in plan.to_do))
        spool = own_spool(self._settings.spool_dir)
        if plan.to_do and not stopping.is_set():
            self._enqueue(plan, run_id)
            try:
                self._run_stages(plan, run_id, spool)
            finally:
                self._spent = self._paid()
                shutil.rmtree(spool, ignore_errors=True)
        if self.signals.fatal is not None:
            raise self.signals.fatal
        stored = self._parts.store.outcomes(addresses(plan), run_id)
        account = reconcile(plan, self.tally, stored, stopping.is_set())
        stopped = self.signals.reason if account.counts["left"] > len(plan.beyond_limit) else None
        planned = self.signals.planned
        return BatchResult(
            plan=plan,
            tally=self.tally,
            identity=self._identity,
            interrupted=None if planned else stopped,
            planned_stop=stopped if planned else None,
            recogniser_busy_s=self._process.busy_s,
            recogniser_span_s=self._process.span_s,
            recogniser_restarts=self._process.restarts,
            wall_s=time.monotonic() - began,
            reconciliation=account,
            spent=self._spent,
        )

    def _enqueue(self, plan: Plan, run_id: str) -> None:
        """Where every worker finds the calls to do. What another run has already is left to it."""
        calls = {call.found.source_uri: as_json(call) for call in plan.to_do}
        in_other_hands = self._parts.claims.enqueue(run_id, calls)
        if in_other_hands:
            leave(plan, in_other_hands)
            self._observer.notice(f"{counted(len(in_other_hands), 'call')} left to another run that has planned them")

    def _paid(self) -> Purse:
        path = spent_file(self._settings.spool_dir, os.getpid())
        return SharedPurse(path).now if path.exists() else Purse()

    def _save_skipped(self, skipped: Sequence[SkippedFile], run_id: str) -> None:
        """Write all at once; where that fails, one by one, so that an odd recording loses only its own row."""
        try:
            self._parts.store.save_skipped(skipped, run_id)
        except StartupError:
            raise
        except Exception as error:  # noqa: BLE001 - the account at the end names the recording without a row
            if len(skipped) == 1:
                uri = skipped[0].source_uri
                self._observer.notice(f"{uri}: no row could be written for it: {described(error)}")
                return
            for item in skipped:
                self._save_skipped([item], run_id)

    def _run_stages(self, plan: Plan, run_id: str, spool: Path) -> None:
        settings, signals = self._settings, self.signals
        names, on_audio = self._describe_steps()
        fetched: StageQueue[Work] = StageQueue(settings.decode_workers, signals, settings.io_workers)
        prepared: StageQueue[Work] = StageQueue(settings.calls_ahead, signals, settings.decode_workers)
        transcribed: StageQueue[Work] = StageQueue(max(settings.calls_ahead, 2), signals, 1)
        writers = settings.io_workers + settings.decode_workers + 1 + settings.analysis_workers
        finished: StageQueue[Finished] = StageQueue(64, signals, writers)
        desk = Desk(self._parts.claims, run_id, min(settings.decode_workers, settings.calls_ahead), settings.lease_s)
        context = RunContext(
            parts=self._parts,
            signals=signals,
            recorder=self.recorder,
            observer=self._observer,
            tally=self.tally,
            desk=desk,
            recipe=self._recipe,
        )
        fetch = FetchStage(context, spool, on_audio)
        prepare = self._prepare = PrepareStage(context, on_audio)
        recognise = RecogniseStage(context, self._process, plan.uris)
        recognise.identity = self._identity
        analyse = AnalyseStage(context, self._analysers, names)
        store = StoreStage(context)
        self.recorder.mlx_bytes = lambda: self._process.mlx_bytes
        self.recorder.queues = lambda: {
            "prepare": len(fetched),
            "recognise": len(prepared) + recognise.active,
            "analyse": len(transcribed),
            "store": len(finished),
        }
        threads = [
            store.start(finished),
            *analyse.start(transcribed, finished),
            recognise.start(prepared, transcribed, finished),
            *prepare.start(fetched, prepared, finished),
        ]
        fetching = fetch.start(fetched, finished)
        try:
            self._watch(threads, fetching, run_id, plan, desk)
        except BaseException as error:
            self.signals.fail(error)  # the stages must not run on alone
            raise
        finally:
            self._identity = recognise.identity  # another one, where a restart brought another engine
            self._drop_workers()
            self._give_back(desk)

    def _give_back(self, desk: Desk) -> None:
        try:
            desk.give_back()
        except StartupError as error:
            self._observer.notice(f"its claims are free when their lease ends: {error}")

    def _watch(
        self, threads: list[threading.Thread], fetching: list[threading.Thread], run_id: str, plan: Plan, desk: Desk
    ) -> None:
        """Wait for the stages; after a stop give them `run.stop_grace_s`, then drop what is under way.

        Fetching threads that hang in a download are not waited for then: they end with the process.
        """
        beat, stopped_at = 0.0, None
        while alive := [
            thread for thread in (*threads, *(() if self.signals.abandoned.is_set() else fetching)) if thread.is_alive()
        ]:
            alive[0].join(0.1)
            now = time.monotonic()
            self.signals.check_clock()
            if self.signals.stopping.is_set():
                stopped_at = stopped_at or now
                if now - stopped_at > self._settings.stop_grace_s:
                    self.signals.abandoned.set()
            if self.signals.abandoned.is_set():
                self._drop_workers()
            elif now - beat > _HEARTBEAT_S:
                beat = now
                self._parts.store.heartbeat(run_id, self.progress(plan))
                desk.renew()

    def _drop_workers(self) -> None:
        """End the decoders and analysers, including any that hang."""
        for worker in self._analysers:
            worker.close()
        if self._prepare is not None:
            self._prepare.close()

    def progress(self, plan: Plan) -> dict[str, Any]:
        """What `run.py status` shows from another terminal."""
        tally = self.tally
        return {
            "total": len(plan.to_do),
            "done": tally.done,
            "failed": tally.failed,
            "skipped": tally.skipped,
            "unchanged": plan.unchanged,
            "audio_s": round(tally.recognised_s, 1),
            "elapsed_s": round(time.monotonic() - self.signals.began, 1),
            "queues": dict(self.recorder.queues()),
        }

    def close(self) -> None:
        self._process.kill()
        self._drop_workers()
