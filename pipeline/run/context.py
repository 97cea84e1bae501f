"""What a run is put together from, and the signals its threads share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from pipeline.config.areas.run import RunSettings
from pipeline.errors import RunInterrupted
from pipeline.handled import Handled, HandledAs, ServiceUse, joined, services_of
from pipeline.ports import CallStore, Claims
from pipeline.records import (
    CallFailure,
    CallStatus,
    Direction,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    SegmentText,
    SkippedFile,
    StepResult,
    Transcript,
)
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.recipes import Recipe
from pipeline.run.recogniser_child import Recogniser
from pipeline.sources.source import CallSource


@dataclass(frozen=True, slots=True)
class PrepareTask:
    """For the decoder process: bring this recording here, decode it, find its speech."""

    found: FoundCall
    spool: Path
    limit_s: float | None = None
    """Seconds until the process is killed."""
    local_paths: tuple[Path, ...] = ()
    """Local copies of its files, if they have been fetched; empty when the process opens them at their source."""
    fetch_limit_s: float | None = None
    """Seconds that fetching may take; None for no limit."""


@dataclass(frozen=True, slots=True)
class ChildBuild:
    """How a spawned process builds what it serves: an importable function and picklable arguments."""

    build: Callable[..., Any]
    arguments: tuple[Any, ...]


class TranscriptMaker(Protocol):
    """The parts of `pipeline.transcription` a run needs."""

    def fingerprint(self, found: FoundCall, prepared: PreparedCall, identity: EngineIdentity) -> str: ...

    def assemble(
        self,
        prepared: PreparedCall,
        fingerprint: str,
        identity: EngineIdentity,
        segments: Sequence[SegmentText],
        direction: Direction | None = None,
    ) -> Transcript: ...

    def speakers(
        self, prepared: PreparedCall, transcript: Transcript, direction: Direction | None = None
    ) -> StepResult | None:
        """What to record about the speakers of a mono call; None for calls with a channel per side."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchParts:
    """Everything a run works with; wired in `commands`."""

    source: CallSource
    store: CallStore
    claims: Claims
    preparer: ChildBuild
    """Builds a function PrepareTask -> PreparedCall | SkippedFile."""
    prepare_extra_s: float = 0.0
    """Added to the time limit of preparing a recording, for diarisation where it is available."""
    segment_time_limit_s: float | None = None
    """For a segment tried alone after the recogniser was restarted; None for `run.segment_timeout_s`."""
    recogniser: Callable[..., Recogniser]
    recogniser_arguments: tuple[Any, ...]
    engines: tuple[str, ...] = ()
    """Names of the recognisers that may serve, best first; only one where no fallback is allowed."""
    answering: ChildBuild | None = None
    """Builds a function of a recogniser's name that raises EarshotError when it could not serve; None: not looked."""
    analyser: ChildBuild
    """Builds a function AnalysisTask -> answer, see `pipeline.run.analyser`."""
    transcripts: TranscriptMaker


class RunObserver(Protocol):
    """Who watches a run: the progress bar, the log."""

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None: ...

    def notice(self, message: str) -> None:
        """Something a person should read once: a fallback, a restart, a wait."""
        ...


@dataclass(slots=True)
class RunSignals:
    """Stop and abandon, shared by all threads of a run."""

    settings: RunSettings
    stopping: threading.Event = field(default_factory=threading.Event)
    """No new call is begun."""
    abandoned: threading.Event = field(default_factory=threading.Event)
    """What is under way is dropped."""
    reason: str | None = None
    planned: bool = False
    """Whether the clock stopped it (`run.max_hours`, `run.stop_time`), which is no fault."""
    fatal: BaseException | None = None
    began: float = field(default_factory=time.monotonic)
    stop_at: float | None = field(init=False)
    """Unix time of the stop time, as seen when the run began: one that passes while it plans is not tomorrow's."""
    _stopped_at: float | None = None

    def __post_init__(self) -> None:
        self.stop_at = stop_moment(self.settings)

    def stop(self, reason: str, planned: bool = False) -> None:
        """The first reason stays, but a signal's takes the place of the clock's."""
        if self.reason is None or (self.planned and not planned):
            self.reason, self.planned = reason, planned
        self.stopping.set()

    def fail(self, error: BaseException) -> None:
        """The run cannot go on: every thread must leave, and `Batch.work` raises the error.

        Once a stop has abandoned the run, errors in the stages follow from that and are no fault.
        """
        if self.abandoned.is_set():
            return
        self.fatal = error
        self.stop(str(error))
        self.abandoned.set()

    def abandon_when_due(self) -> None:
        """Set `abandoned` when `run.stop_grace_s` have passed since the stop was first seen here."""
        if not self.stopping.is_set():
            return
        self._stopped_at = self._stopped_at or time.monotonic()
        if time.monotonic() - self._stopped_at > self.settings.stop_grace_s:
            self.abandoned.set()

    def check_clock(self) -> None:
        """Set `stopping` when the hours are used up or the stop time has come."""
        hours = self.settings.max_hours
        if hours is not None and time.monotonic() - self.began > hours * 3600:
            self.stop(f"run.max_hours ({hours:g}) is used up", planned=True)
        if self.stop_at is not None and time.time() >= self.stop_at:
            self.stop(f"the stop time {self.settings.stop_time} has come", planned=True)

    def raise_if_stopping(self) -> None:
        """End a run that is stopped before its stages begin. Raises RunInterrupted."""
        if self.stopping.is_set():
            raise RunInterrupted(f"stopped before any call was begun: {self.reason}")


def stop_moment(settings: RunSettings, now: datetime | None = None) -> float | None:
    """Unix time of the next `run.stop_time`, local clock; None when none is set."""
    if settings.stop_time is None:
        return None
    now = now or datetime.now()
    hours, minutes = (int(part) for part in settings.stop_time.split(":"))
    moment = now.replace(hour=hours, minute=minutes, second=0, microsecond=0)
    if moment <= now:
        moment += timedelta(days=1)
    return moment.timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChange:
    """Another engine than before serves from now on."""

    at: datetime
    """With time zone (UTC)."""
    left: str
    now: str
    why: str
    calls_again: int
    """Calls under way that began again with it."""


@dataclass(slots=True)
class WorkDone:
    """What one worker did, in figures that only grow."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    audio_s: float = 0.0
    """Length of the recordings that were recognised."""
    speech_s: float = 0.0
    services: Mapping[str, ServiceUse] = field(default_factory=dict)
    cost_usd: dict[str, float] = field(default_factory=dict)
    """By language model, where prices are configured."""

    def take(self, handled: Handled) -> None:
        self.done += handled.handled_as is HandledAs.DONE
        self.failed += handled.handled_as is HandledAs.FAILED
        self.skipped += handled.handled_as is HandledAs.SKIPPED
        self.audio_s += handled.audio_s
        self.speech_s += handled.speech_s

    def asked(self, results: Sequence[StepResult]) -> None:
        self.services = joined(self.services, services_of(results))
        for result in results:
            if result.provider is not None and result.cost_usd:
                self.cost_usd[result.provider] = self.cost_usd.get(result.provider, 0.0) + result.cost_usd


@dataclass(slots=True)
class Tally:
    """What became of the calls; counted under a lock."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    kept: list[str] = field(default_factory=list)
    """Addresses of calls left as they were, since a better engine's rows are there."""
    recognised_s: float = 0.0
    speech_s: float = 0.0
    failures: list[CallFailure] = field(default_factory=list)
    statuses: list[dict[str, object]] = field(default_factory=list)
    skipped_files: list[SkippedFile] = field(default_factory=list)
    gates: dict[str, int] = field(default_factory=dict)
    services: dict[str, ServiceUse] = field(default_factory=dict)
    by_engine: dict[str, int] = field(default_factory=dict)
    """Calls transcribed in this run, by recogniser."""
    engine_changes: list[EngineChange] = field(default_factory=list)
    here: WorkDone = field(default_factory=WorkDone)
    """Without what other workers did."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, found: FoundCall, handled: Handled) -> None:
        """Count what became of a call that was worked on here."""
        with self.lock:
            self.here.take(handled)
            self._take(found, handled)

    def _take(self, found: FoundCall, handled: Handled) -> None:
        if handled.handled_as is HandledAs.KEPT:
            self.kept.append(found.source_uri)
        elif handled.skipped is not None:
            self.skipped += 1
            self.skipped_files.append(handled.skipped)
        elif handled.status is not None:
            self._take_processed(found, handled, handled.status)

    def take_elsewhere(self, found: FoundCall, handled: Handled) -> None:
        """Count what another worker made of a call, with all that the stages here count on the way."""
        if handled.transcribed_by is not None:
            self.transcribed_by(handled.transcribed_by)
        with self.lock:
            self._take(found, handled)
            self.services = joined(self.services, handled.services)

    def _take_processed(self, found: FoundCall, handled: Handled, status: CallStatus) -> None:
        self.done += handled.failure is None
        self.failed += handled.failure is not None
        if handled.failure is not None:
            self.failures.append(handled.failure)
        self.recognised_s += handled.audio_s
        self.speech_s += handled.speech_s
        self.statuses.append(
            {
                "source_uri": found.source_uri,
                "file_name": found.file_name,
                "call_id": handled.call_id,
                "status": status.value,
                "detail": handled.detail,
            }
        )

    def transcribed_by(self, engine: str) -> None:
        with self.lock:
            self.by_engine[engine] = self.by_engine.get(engine, 0) + 1

    def engine_changed(self, change: EngineChange) -> None:
        with self.lock:
            self.engine_changes.append(change)

    def asked(self, results: Sequence[StepResult]) -> None:
        """Count who was asked for these results, and who answered."""
        with self.lock:
            self.services = joined(self.services, services_of(results))
            self.here.asked(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What every stage of a run holds."""

    parts: BatchParts
    signals: RunSignals
    recorder: PerformanceRecorder
    observer: RunObserver
    tally: Tally
    desk: Desk
    """Where its calls come from, and where they go when they are stored."""
    recipe: Recipe | None = None
    """Which rows another engine may replace; None: any."""
