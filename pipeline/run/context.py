"""What a run is put together from, and what every stage of it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.children.worker import TaskServer, Worker
from pipeline.ports import CallStore, Claims
from pipeline.records import (
    CallStatus,
    Direction,
    EngineIdentity,
    FoundCall,
    PreparedCall,
    SegmentText,
    StepResult,
    Transcript,
)
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.recipes import Recipe
from pipeline.run.processes.recogniser_child import Recogniser
from pipeline.run.signals import RunSignals
from pipeline.run.tally import Tally
from pipeline.sources.source import CallSource


@dataclass(frozen=True, slots=True)
class ChildBuild:
    """How a spawned process builds what it serves: an importable function and picklable arguments."""

    build: Callable[..., Any]
    arguments: tuple[Any, ...]


Hire = Callable[[str, ChildBuild, str], TaskServer]
"""Who answers tasks: what they are called, how a process that answers them is built, the setting that limits one."""


def hire_here(name: str, child: ChildBuild, limit_key: str) -> Worker:
    """`Hire` of a process of this machine that shares its cores with others."""
    return Worker(name, child.build, child.arguments, one_core=True, limit_key=limit_key)


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
    """Builds a function AnalysisTask -> answer, see `pipeline.run.processes.analyser`."""
    transcripts: TranscriptMaker
    hire: Hire = hire_here
    """For decoding and analysis."""


class RunObserver(Protocol):
    """Who watches a run: the progress bar, the log."""

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None: ...

    def notice(self, message: str) -> None:
        """Something a person should read once: a fallback, a restart, a wait."""
        ...


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
