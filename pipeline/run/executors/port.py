"""Who works on the calls that a run has planned, as the run sees it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from pipeline.children.worker import TaskServer
from pipeline.records import EngineIdentity
from pipeline.run.context import BatchParts, RunObserver
from pipeline.run.crew import RecogniserFigures
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.recipes import Recipe
from pipeline.run.signals import RunSignals
from pipeline.run.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorParts:
    """What a run gives to whoever works for it."""

    parts: BatchParts
    observer: RunObserver
    recipe: Recipe
    recorder: PerformanceRecorder
    signals: RunSignals
    tally: Tally


class Executor(Protocol):
    """Used once: `load_recogniser`, `work`, `close`."""

    @property
    def identity(self) -> EngineIdentity | None:
        """Which recogniser serves; None before one is loaded."""
        ...

    @property
    def analyser(self) -> TaskServer:
        """The analysis process that planning asks."""
        ...

    @property
    def recogniser_pid(self) -> int | None:
        """Of a recogniser's process on this machine; None where there is none."""
        ...

    @property
    def figures(self) -> RecogniserFigures:
        """Of all recognisers together, when the work has ended."""
        ...

    def load_recogniser(self) -> EngineIdentity:
        """Which engine serves today. Raises StartupError, RunInterrupted."""
        ...

    def work(self, run_id: str, uris: Collection[str], beat: Callable[[], None]) -> None:
        """Until no call of the run is left, or it is stopped. Raises what ends the run.

        Args:
            uris: addresses the source offers: their calls have not moved.
            beat: called every few seconds.
        """
        ...

    def close(self) -> None:
        """Ends whatever still works."""
        ...


BuildExecutor = Callable[[ExecutorParts], Executor]
