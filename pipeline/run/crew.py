"""The stages of one process: from the claims of a desk to their rows, with bounded queues and one recogniser."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pipeline.children.worker import TaskServer
from pipeline.disk import remove_folder
from pipeline.errors import StartupError
from pipeline.pace import Pace
from pipeline.purse import Purse, SharedPurse
from pipeline.records import EngineIdentity
from pipeline.run.context import BatchParts, RunContext, RunObserver
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.recipes import Recipe
from pipeline.run.presence import Presence
from pipeline.run.processes.analyser import DescribeTask
from pipeline.run.processes.recogniser_process import RecogniserProcess
from pipeline.run.signals import RunSignals
from pipeline.run.spool_folder import own_spool, spent_file
from pipeline.run.stages.analyse import AnalyseStage
from pipeline.run.stages.fetch import FetchStage
from pipeline.run.stages.prepare import PrepareStage
from pipeline.run.stages.recognise import RecogniseStage
from pipeline.run.stages.store import StoreStage
from pipeline.run.stages.work import Finished, StageQueue, Work
from pipeline.run.tally import Tally

_HEARTBEAT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniserFigures:
    """How a recogniser did, or several of them together."""

    busy_s: float = 0.0
    span_s: float = 0.0
    """From the first segment sent to the last one finished; of several, the sum."""
    restarts: int = 0
    spent: Purse = field(default_factory=Purse)
    """On transcription services."""

    def __add__(self, other: RecogniserFigures) -> RecogniserFigures:
        return RecogniserFigures(
            busy_s=self.busy_s + other.busy_s,
            span_s=self.span_s + other.span_s,
            restarts=self.restarts + other.restarts,
            spent=Purse(self.spent.cost_usd + other.spent.cost_usd, self.spent.units + other.spent.units),
        )


class Crew:
    """Works once; `close` ends its processes."""

    def __init__(
        self,
        parts: BatchParts,
        observer: RunObserver,
        *,
        recipe: Recipe,
        recorder: PerformanceRecorder,
        signals: RunSignals,
        tally: Tally,
    ) -> None:
        self._parts = parts
        self._observer = observer
        self._recipe = recipe
        self._recorder = recorder
        self._signals = signals
        self._settings = settings = signals.settings
        self._tally = tally
        self._presence = Presence(parts.claims, tally)
        self._analysers = [
            parts.hire("analysis", parts.analyser, "run.analysis_timeout_s") for _ in range(settings.analysis_workers)
        ]
        self.process = RecogniserProcess(
            parts.recogniser,
            parts.recogniser_arguments,
            settings.recogniser_load_timeout_s,
            settings.segment_timeout_s,
            parts.segment_time_limit_s,
        )
        self.identity: EngineIdentity | None = None
        """Which recogniser serves; None before it is loaded."""
        self._spent = Purse()
        self._steps: tuple[tuple[str, ...], frozenset[str]] | None = None
        self._prepare: PrepareStage | None = None

    @property
    def analyser(self) -> TaskServer:
        """The analysis process that planning asks as well."""
        return self._analysers[0]

    @property
    def figures(self) -> RecogniserFigures:
        process = self.process
        return RecogniserFigures(
            busy_s=process.busy_s, span_s=process.span_s, restarts=process.restarts, spent=self._spent
        )

    def load_recogniser(self) -> EngineIdentity:
        """Which engine serves today. Raises ModelUnavailable, RunInterrupted."""
        if self.identity is None:
            description, self.identity = self.process.start(self._signals.raise_if_stopping)
            for why in self.identity.passed_over:
                self._observer.notice(f"not used: {why}")
            self._observer.notice(f"recogniser: {description.engine}, {description.model} {description.detail}".strip())
            if description.sends_audio_to:
                self._observer.notice(
                    f"the audio of calls leaves this machine: it is sent to {description.sends_audio_to}"
                )
        return self.identity

    def _describe_steps(self) -> tuple[tuple[str, ...], frozenset[str]]:
        if self._steps is None:
            names, on_audio = self.analyser.call(DescribeTask(), self._settings.analysis_timeout_s)
            self._steps = (tuple(names), frozenset(on_audio))
        return self._steps

    def work(self, desk: Desk, uris: Collection[str], beat: Callable[[], None]) -> None:
        """Until the desk has no call left, or the run is stopped. Raises what ends the run.

        Args:
            uris: addresses the source offers, as far as they are known: their calls have not moved.
            beat: called every few seconds while the stages work.
        """
        spool = own_spool(self._settings.spool_dir)
        try:
            self._run_stages(desk, uris, beat, spool)
        finally:
            self._spent = self._paid()
            remove_folder(spool)
        if self._signals.fatal is not None:
            raise self._signals.fatal

    def _paid(self) -> Purse:
        path = spent_file(self._settings.spool_dir, os.getpid())
        return SharedPurse(path).now if path.exists() else Purse()

    def _run_stages(self, desk: Desk, uris: Collection[str], beat: Callable[[], None], spool: Path) -> None:
        settings, signals = self._settings, self._signals
        names, on_audio = self._describe_steps()
        fetching_threads = settings.io_workers + desk.takes_urgent
        fetched: StageQueue[Work] = StageQueue(settings.decode_workers, signals, fetching_threads)
        prepared: StageQueue[Work] = StageQueue(settings.calls_ahead, signals, settings.decode_workers)
        transcribed: StageQueue[Work] = StageQueue(max(settings.calls_ahead, 2), signals, 1)
        writers = fetching_threads + settings.decode_workers + 1 + settings.analysis_workers
        finished: StageQueue[Finished] = StageQueue(64, signals, writers)
        context = RunContext(
            parts=self._parts,
            signals=signals,
            recorder=self._recorder,
            observer=self._observer,
            tally=self._tally,
            desk=desk,
            recipe=self._recipe,
        )
        fetch = FetchStage(context, spool, on_audio)
        prepare = self._prepare = PrepareStage(context, on_audio)
        recognise = RecogniseStage(context, self.process, set(uris))
        recognise.identity = self.identity
        analyse = AnalyseStage(context, self._analysers, names)
        store = StoreStage(context)
        self._recorder.mlx_bytes = lambda: self.process.mlx_bytes
        self._recorder.queues = lambda: {
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
            self._watch(threads, fetching, desk, partial(self._beat, beat, recognise))
        except BaseException as error:
            signals.fail(error)  # the stages must not run on alone
            raise
        finally:
            self.identity = recognise.identity  # another one, where a restart brought another engine
            self._drop_workers()
            self._give_back(desk)

    def _beat(self, beat: Callable[[], None], recognise: RecogniseStage) -> None:
        beat()
        self._presence.beat(recognise.identity)

    def _give_back(self, desk: Desk) -> None:
        try:
            desk.give_back()
            self._presence.leave(self.identity, self._signals.fatal)
        except StartupError as error:
            self._observer.notice(f"its claims are free when their lease ends: {error}")

    def _watch(
        self, threads: list[threading.Thread], fetching: list[threading.Thread], desk: Desk, beat: Callable[[], None]
    ) -> None:
        """Wait for the stages; after a stop give them `run.stop_grace_s`, then drop what is under way.

        Fetching threads that hang in a download are not waited for then: they end with the process.
        """
        pace, signals = Pace(_HEARTBEAT_S), self._signals
        while alive := [
            thread for thread in (*threads, *(() if signals.abandoned.is_set() else fetching)) if thread.is_alive()
        ]:
            alive[0].join(0.1)
            signals.check_clock()
            signals.abandon_when_due()
            if signals.abandoned.is_set():
                self._drop_workers()
            elif pace.is_due():
                desk.renew()
                beat()

    def _drop_workers(self) -> None:
        """End the decoders and analysers, including any that hang."""
        for worker in self._analysers:
            worker.close()
        if self._prepare is not None:
            self._prepare.close()

    def close(self) -> None:
        self.process.kill()
        self._drop_workers()
