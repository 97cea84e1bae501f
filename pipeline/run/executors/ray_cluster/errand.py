"""What a task does on whatever machine it runs: a process of this machine answers it, with its files at hand."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.children.worker import Worker
from pipeline.errors import WorkerCrashed
from pipeline.run.context import ChildBuild, hire_here
from pipeline.run.executors.ray_cluster.process import like_an_own_process
from pipeline.run.executors.ray_cluster.travel import Depot, at_hand
from pipeline.run.spool_folder import own_spool
from pipeline.version import code_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The same for all tasks of one kind of a worker; picklable."""

    name: str
    child: ChildBuild
    limit_key: str
    settle: Callable[[], None]
    """Called once in a process before it works: permissions, keys, secrets to mask, where its log is."""
    folder: Path
    """Of Earshot."""
    spool: Path
    code: str
    """`code_digest` of the worker that asks."""


class Errands:
    """Those of one process. Ray uses a process again and again: models are loaded once in each."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Worker, Path]] = {}
        """By kind of task, with this process's spool."""

    def answer(self, kind: str, terms_of: Callable[[], Terms], task: Any, timeout_s: float, depot: Depot) -> Any:
        """Of `task`. The time limit counts from here: waiting for a processor is no fault of the recording.

        `kind`: one for each `Terms`. Raises as `Worker.call`; WorkerCrashed where this machine has other code.
        """
        if kind not in self._open:
            self._open[kind] = _begin(terms_of(), first=not self._open)
        server, spool = self._open[kind]
        with at_hand(task, spool, depot) as ready:
            return ready.send(server.call(ready.task, timeout_s))

    def close(self) -> None:
        """End its processes."""
        for server, _ in self._open.values():
            server.close()


def _begin(terms: Terms, first: bool) -> tuple[Worker, Path]:
    like_an_own_process(terms.folder)
    if terms.code != (here := code_digest()):
        raise WorkerCrashed(
            f"{socket.gethostname()} has another version of Earshot's code ({here}) than the worker ({terms.code}): "
            "its rows could differ; install the same one on every machine of the cluster"
        )
    if first:
        terms.settle()
    return hire_here(terms.name, terms.child, terms.limit_key), own_spool(terms.spool)
