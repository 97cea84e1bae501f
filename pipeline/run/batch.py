"""A run: plans its input's calls, works on them together with whoever else does, and accounts for every recording."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.config.areas.run import RunSettings
from pipeline.errors import StartupError, described
from pipeline.plurals import counted
from pipeline.purse import Purse
from pipeline.records import EngineIdentity, SkippedFile
from pipeline.run.context import BatchParts, RunObserver
from pipeline.run.executors.local import LocalExecutor
from pipeline.run.executors.port import BuildExecutor, ExecutorParts
from pipeline.run.other_workers import Elsewhere
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.claimed import as_json
from pipeline.run.planning.decisions import leave
from pipeline.run.planning.paired_files import said_of_sides
from pipeline.run.planning.plan import Action, Plan
from pipeline.run.planning.planner import Planner, asked_of
from pipeline.run.planning.recipes import Recipe
from pipeline.run.reconcile import Reconciliation, addresses, reconcile, skipped_recordings
from pipeline.run.signals import RunSignals
from pipeline.run.tally import Tally
from pipeline.sources.source import said_aloud


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
        *,
        executor: BuildExecutor = LocalExecutor,
    ) -> None:
        """`executor`: who works on the calls. Raises what it raises where it cannot be had (StartupError)."""
        self._settings = settings
        self._parts = parts
        self._observer = observer
        self._recipe = recipe
        self.recorder = recorder or PerformanceRecorder()
        self.signals = RunSignals(settings)
        self.tally = Tally()
        self._executor = executor(
            ExecutorParts(
                parts=parts,
                observer=observer,
                recipe=recipe,
                recorder=self.recorder,
                signals=self.signals,
                tally=self.tally,
            )
        )

    def plan(self) -> Plan:
        """Find the calls and decide on each. Loads the recogniser only when a decision depends on it."""
        planner = Planner(
            settings=self._settings,
            recipe=self._recipe,
            store=self._parts.store,
            stale_steps=asked_of(self._executor.analyser, self._settings.analysis_timeout_s),
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
        return self._executor.load_recogniser()

    @property
    def recogniser_pid(self) -> int | None:
        """Of the recogniser's process; None before it is started, and where it is on another machine."""
        return self._executor.recogniser_pid

    def work(self, plan: Plan, run_id: str) -> BatchResult:
        """Do what the plan says. Raises only errors that end the run; a single call just fails.

        Any worker may take part. The run ends when all its calls are done with, by whomever. An interrupt is a call to
        `signals.stop` from a signal handler: calls under way get `run.stop_grace_s`.
        """
        self.signals.check_clock()
        stopping = self.signals.stopping
        if any(call.action is not Action.ANALYSE for call in plan.to_do) and not stopping.is_set():
            self.load_recogniser()
        began = time.monotonic()
        self._save_skipped(skipped_recordings(plan), run_id)
        if plan.to_do and not stopping.is_set():
            self._enqueue(plan, run_id)
        self._observer.planned(len(plan.to_do), sum(call.found.size_bytes for call in plan.to_do))
        if plan.to_do and not stopping.is_set():
            self._work_together(plan, run_id)
        stored = self._parts.store.outcomes(addresses(plan), run_id)
        account = reconcile(plan, self.tally, stored, stopping.is_set())
        stopped = self.signals.reason if account.counts["left"] > len(plan.beyond_limit) else None
        planned, figures = self.signals.planned, self._executor.figures
        return BatchResult(
            plan=plan,
            tally=self.tally,
            identity=self._executor.identity,
            interrupted=None if planned else stopped,
            planned_stop=stopped if planned else None,
            recogniser_busy_s=figures.busy_s,
            recogniser_span_s=figures.span_s,
            recogniser_restarts=figures.restarts,
            wall_s=time.monotonic() - began,
            reconciliation=account,
            spent=figures.spent,
        )

    def _enqueue(self, plan: Plan, run_id: str) -> None:
        """Where every worker finds the calls to do. What another run has already is left to it."""
        self._parts.claims.free_of_the_dead()
        calls = {call.found.source_uri: as_json(call) for call in plan.to_do}
        in_other_hands = self._parts.claims.enqueue(run_id, calls)
        if in_other_hands:
            leave(plan, in_other_hands)
            self._observer.notice(f"{counted(len(in_other_hands), 'call')} left to another run that has planned them")

    def _work_together(self, plan: Plan, run_id: str) -> None:
        elsewhere = Elsewhere(self._parts.claims, run_id, self.tally, self._observer)

        def beat() -> None:
            elsewhere.look()
            self._parts.store.heartbeat(run_id, self.progress(plan))

        self._executor.work(run_id, plan.uris, beat)
        if self.signals.stopping.is_set():
            elsewhere.wait(self.signals, beat)
        elsewhere.look(at_all=True)

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
        self._executor.close()
