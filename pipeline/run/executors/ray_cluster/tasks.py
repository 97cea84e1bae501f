"""Decoding and analysis as tasks of the cluster, each on a processor of the worker's share, on any machine."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.children.worker import TaskServer
from pipeline.errors import WorkerCrashed
from pipeline.masking import excerpt
from pipeline.run.context import ChildBuild
from pipeline.run.executors.ray_cluster.errand import Errands, Terms
from pipeline.run.executors.ray_cluster.process import Answer, answered
from pipeline.version import code_digest

_LOOK_S = 0.5
_RETRIES = 3
"""By Ray, of a task whose machine or process was lost. What a recording does to a decoder is not Ray's to retry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HireTasks:
    """`Hire`, in an actor; picklable. A task keeps to the processors that were reserved with the actor."""

    cpus: float
    """Of a task."""
    settle: Callable[[], None]
    folder: Path
    spool: Path

    def __call__(self, name: str, child: ChildBuild, limit_key: str) -> TaskServer:
        terms = Terms(
            name=name,
            child=child,
            limit_key=limit_key,
            settle=self.settle,
            folder=self.folder,
            spool=self.spool,
            code=code_digest(),
        )
        return _HiredTasks(importlib.import_module("ray"), terms, self.cpus)


_here = Errands()


class _HiredTasks:
    """`TaskServer`. A call is a task; the thread that asks waits for it: no more are begun than there are threads."""

    def __init__(self, ray: Any, terms: Terms, cpus: float) -> None:
        self._ray = ray
        self._kind = uuid.uuid4().hex
        self._terms = ray.put(terms)
        self._task = ray.remote(run_errand).options(num_cpus=cpus, max_retries=_RETRIES, name=terms.name)
        self._name = terms.name
        self._closed = False

    def call(self, task: object, timeout_s: float) -> Any:
        ray = self._ray
        actor = ray.get_runtime_context().current_actor
        asked = self._task.remote(self._kind, [self._terms], task, timeout_s, actor)
        while not ray.wait([asked], timeout=_LOOK_S)[0]:
            if self._closed:
                ray.cancel(asked, force=True)
                raise WorkerCrashed(f"the {self._name} task was given up")
        try:
            done, told = ray.get(asked)
        except ray.exceptions.RayError as error:
            raise WorkerCrashed(f"the {self._name} task was lost: {type(error).__name__}: {_first(error)}") from None
        if not done:
            raise told
        return told

    def close(self) -> None:
        self._closed = True


def run_errand(kind: str, terms: list[Any], task: Any, timeout_s: float, actor: Any) -> Answer:
    """A task of Ray, in a process of Ray."""
    ray = importlib.import_module("ray")
    depot = _ActorsDepot(ray, actor)
    return answered(lambda: _here.answer(kind, lambda: ray.get(terms[0]), task, timeout_s, depot))


class _ActorsDepot:
    """`Depot` of the actor that asked."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        self._actor = actor

    def read(self, path: Path, offset: int, most: int) -> bytes:
        content: bytes = self._told(self._actor.read_piece.remote(path, offset, most))
        return content

    def write(self, path: Path, offset: int, content: bytes) -> None:
        self._told(self._actor.write_piece.remote(path, offset, content))

    def _told(self, asked: Any) -> Any:
        try:
            done, told = self._ray.get(asked)
        except self._ray.exceptions.RayError as error:
            raise WorkerCrashed(f"the worker that asked is lost: {type(error).__name__}: {_first(error)}") from None
        if not done:
            raise told
        return told


def _first(error: Exception) -> str:
    return excerpt(" ".join(str(error).split()), 200)
