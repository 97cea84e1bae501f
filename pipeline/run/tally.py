"""What became of a run's calls, and what one worker did, in figures."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.handled import Handled, HandledAs, ServiceUse, joined, services_of
from pipeline.records import CallFailure, CallStatus, FoundCall, SkippedFile, StepResult


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
