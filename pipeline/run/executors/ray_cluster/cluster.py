"""The way to a Ray cluster: reached in seconds or said why not; actors asked for, asked and ended."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pipeline.config.areas.ray import RaySettings
from pipeline.errors import EarshotError, StartupError, WorkerCrashed, described
from pipeline.masking import excerpt
from pipeline.records import EngineIdentity
from pipeline.run.crew import RecogniserFigures
from pipeline.run.executors.port import BuildExecutor, ExecutorParts
from pipeline.run.executors.ray_cluster.fleet import Fleet, machines_told
from pipeline.run.executors.ray_cluster.host import Greeting, Host, News, OpenWorker
from pipeline.run.executors.ray_cluster.port import RemoteWorker
from pipeline.run.executors.ray_cluster.tasks import HireTasks

T = TypeVar("T")
_REACH_S = 5.0
_STORE_BYTES = 80 * 2**20
"""Of a local cluster's object store, the least Ray allows: recordings and results do not pass through it."""
_IDLE_KEPT = "64"
"""Processes that a local cluster keeps although they have been idle for a second; by default one for each processor."""
_THREADS = 8
"""Of an actor: one works, the others answer the run and hand files to tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBuild:
    """What a worker on the cluster is made from; picklable."""

    open_worker: OpenWorker
    settle: Callable[[], None]
    """See `Terms`."""
    spool: Path
    """`run.spool_dir`."""


def ray_executor(settings: RaySettings, decode_workers: int, build: WorkerBuild) -> BuildExecutor:
    """The executor that `run.executor: ray` names. It raises StartupError where there is no cluster to be had."""

    def executor(given: ExecutorParts) -> Fleet:
        return Fleet(settings, RayCluster(settings, settings.cpus_per_worker or decode_workers, build), given)

    return executor


class RayCluster:
    """`Cluster` of `ray.address`.

    What a worker reserves is a placement group: its recogniser's accelerator and processor, and a processor for each
    task that decodes or analyses for it, on its own machine where there is room, else on others. So no worker's tasks
    wait for processors that other workers hold, and a cluster that grows by demand sees the whole demand.
    """

    def __init__(self, settings: RaySettings, cpus: float, build: WorkerBuild) -> None:
        """`cpus`: of a worker, tasks included. Raises StartupError."""
        self._ray = _import_ray()
        self._settings = settings
        self._asked = {"CPU": cpus, "GPU": settings.gpus_per_worker}
        self._bundles = bundles(cpus, settings.gpus_per_worker)
        folder = settings.folder or Path.cwd()
        _connect(self._ray, settings.address)
        try:
            self._check_local()
            self._actor = self._ray.remote(Host)
            self._options = {
                "num_cpus": self._bundles[0]["CPU"],
                "num_gpus": settings.gpus_per_worker,
                "max_concurrency": _THREADS,
                "max_restarts": 0,
                "runtime_env": {"env_vars": {"PYTHONPATH": str(settings.folder)}} if settings.folder else None,
            }
            hire = HireTasks(cpus=self._bundles[1]["CPU"], settle=build.settle, folder=folder, spool=build.spool)
            self._arguments = (build.open_worker, hire, str(folder))
        except BaseException:
            self.close()
            raise

    def _check_local(self) -> None:
        """A cluster of one machine does not grow."""
        if self._settings.address == "local" and any(
            asked > self._ray.cluster_resources().get(name, 0.0) for name, asked in self._asked.items()
        ):
            raise StartupError(
                f"{self.why_none()}: lower ray.cpus_per_worker or ray.gpus_per_worker, or name a cluster in ray.address"
            )

    def ask_for_worker(self) -> RemoteWorker:
        group = self._ray.util.placement_group(self._bundles, strategy="PACK")
        strategy = self._ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy(
            placement_group=group, placement_group_bundle_index=0, placement_group_capture_child_tasks=True
        )
        actor = self._actor.options(**self._options, scheduling_strategy=strategy).remote(*self._arguments)
        return _RayWorker(self._ray, actor, group)

    def why_none(self) -> str:
        machines = [
            f"{node['NodeManagerHostname']}: {_told(node['Resources'])}" for node in self._ray.nodes() if node["Alive"]
        ]
        return machines_told(_told(self._asked), machines)

    def close(self) -> None:
        self._ray.shutdown()


class _RayWorker:
    """`RemoteWorker`. Each question is asked again when it was answered."""

    def __init__(self, ray: ModuleType, actor: Any, group: Any) -> None:
        self._ray = ray
        self._actor = actor
        self._group = group
        self._asked: dict[str, Any] = {}

    def greeting(self) -> Greeting | None:
        return self._answer("greet", Greeting)

    def identity(self) -> EngineIdentity | None:
        return self._answer("identify", EngineIdentity)

    def news(self) -> News | None:
        return self._answer("news", News)

    def figures(self) -> RecogniserFigures | None:
        return self._answer("work", RecogniserFigures)

    def _answer(self, question: str, kind: type[T]) -> T | None:
        ray = self._ray
        asked = self._asked.get(question) or self._asked.setdefault(question, getattr(self._actor, question).remote())
        if not ray.wait([asked], timeout=0)[0]:
            return None
        del self._asked[question]
        try:
            done, told = ray.get(asked)
        except ray.exceptions.RayError as error:
            raise _lost(error) from None
        if not done:
            raise told
        assert isinstance(told, kind)
        return told

    def stop(self, reason: str) -> None:
        self._actor.stop.remote(reason)

    def kill(self) -> None:
        """With the tasks that work for it."""
        self._ray.kill(self._actor)
        self._ray.util.remove_placement_group(self._group)


def bundles(cpus: float, gpus: float) -> list[dict[str, float]]:
    """What a worker reserves: first for its actor, then for one task each.

    Of the processors the actor, which feeds the recogniser, gets one, and of less than two a half.
    """
    own = 1.0 if cpus >= 2 else cpus / 2
    tasks = max(1, int(cpus - own))
    first = {"CPU": own, "GPU": gpus} if gpus else {"CPU": own}
    return [first, *({"CPU": (cpus - own) / tasks} for _ in range(tasks))]


def _lost(error: Exception) -> EarshotError:
    """Ray's messages are long: what says why stands in the last lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    missing = next((line for line in lines if line.startswith(("ModuleNotFoundError", "ImportError"))), None)
    if missing is not None:
        return StartupError(
            f"a worker could not begin on its machine: {excerpt(missing)}; Earshot and what it needs must be "
            "installed in the same folder on every machine of the cluster (ray.folder names another)"
        )
    return WorkerCrashed(f"{type(error).__name__}: {excerpt(' '.join(lines[:3]), 300)}")


def _told(resources: Any) -> str:
    names = {"CPU": "processors", "GPU": "accelerators"}
    return ", ".join(f"{resources.get(key, 0):g} {name}" for key, name in names.items())


def _import_ray() -> ModuleType:
    # Read when Ray is imported. It would otherwise report its use over the network.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.util.placement_group
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise StartupError(
            f"run.executor is ray, but Ray cannot be imported ({described(error)}): pip install -r "
            "requirements-ray.lock, or set run.executor: local"
        ) from None
    module: ModuleType = ray
    return module


def _connect(ray: ModuleType, address: str) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
    if address == "local":
        # Read by its server. Processes of tasks hold loaded models; with small shares they outnumber the processors.
        os.environ.setdefault("RAY_num_workers_soft_limit", _IDLE_KEPT)
        start: Callable[[], Any] = partial(
            ray.init, address="local", include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet
        )
    else:
        if address != "auto":
            _reach(address)
        start = partial(ray.init, address=address, **quiet)
    try:
        start()
    except Exception as error:  # noqa: BLE001 - Ray raises many kinds, some of them Exception itself
        raise StartupError(f"ray.address {address}: {_why_not(error)}") from None


def _reach(address: str) -> None:
    """Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_S).close()
    except OSError as error:
        raise StartupError(
            f"ray.address {address}: nothing answers there ({error.strerror or error}); start the cluster's head "
            "(`ray start --head`), or correct the address"
        ) from None


def _why_not(error: Exception) -> str:
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        return f"{excerpt(text, 400)}; install the cluster's versions of Ray and Python here, or these there"
    if isinstance(error, ConnectionError) and "ailed to connect" in text:
        return (
            f"{excerpt(text, 200)}; where it asks for a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN (`ray "
            "get-auth-token` prints it on the head), in the environment or in .env"
        )
    if isinstance(error, ConnectionError):
        return f"no cluster was found ({excerpt(text, 200)}); start one (`ray start --head`), or set ray.address: local"
    return excerpt(f"{type(error).__name__}: {text}", 400)
