"""The run's own process works on its calls."""

from __future__ import annotations

from collections.abc import Callable, Collection

from pipeline.children.worker import TaskServer
from pipeline.records import EngineIdentity
from pipeline.run.crew import Crew, RecogniserFigures
from pipeline.run.desk import Desk
from pipeline.run.executors.port import ExecutorParts


class LocalExecutor:
    """`Executor` of one crew."""

    def __init__(self, given: ExecutorParts) -> None:
        self._parts = given.parts
        self._settings = given.signals.settings
        self._crew = Crew(
            given.parts,
            given.observer,
            recipe=given.recipe,
            recorder=given.recorder,
            signals=given.signals,
            tally=given.tally,
        )

    @property
    def identity(self) -> EngineIdentity | None:
        return self._crew.identity

    @property
    def analyser(self) -> TaskServer:
        return self._crew.analyser

    @property
    def recogniser_pid(self) -> int | None:
        return self._crew.process.pid

    @property
    def figures(self) -> RecogniserFigures:
        return self._crew.figures

    def load_recogniser(self) -> EngineIdentity:
        return self._crew.load_recogniser()

    def work(self, run_id: str, uris: Collection[str], beat: Callable[[], None]) -> None:
        self._crew.work(Desk(self._parts.claims, run_id, self._settings), uris, beat)

    def close(self) -> None:
        self._crew.close()
