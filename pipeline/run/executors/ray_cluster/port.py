"""A cluster and its workers, as the fleet sees them."""

from __future__ import annotations

from typing import Protocol

from pipeline.records import EngineIdentity
from pipeline.run.crew import RecogniserFigures
from pipeline.run.executors.ray_cluster.host import Greeting, News


class RemoteWorker(Protocol):
    """A worker that was asked for. Nothing here waits; each raises EarshotError: what ended the worker, or
    WorkerCrashed where it was lost."""

    def greeting(self) -> Greeting | None:
        """None as long as it has no machine."""
        ...

    def identity(self) -> EngineIdentity | None:
        """None as long as its recogniser is being loaded; asking begins that."""
        ...

    def news(self) -> News | None:
        """None where there is none yet."""
        ...

    def figures(self) -> RecogniserFigures | None:
        """None as long as it works; the first question sets it to work."""
        ...

    def stop(self, reason: str) -> None: ...

    def kill(self) -> None: ...


class Cluster(Protocol):
    """Machines for workers."""

    def ask_for_worker(self) -> RemoteWorker: ...

    def why_none(self) -> str:
        """What a worker asks for and what the cluster has, for a person."""
        ...

    def close(self) -> None: ...
