"""No cluster to be had: said in seconds, with what to do. A module with Ray's names stands for Ray."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.config.areas.ray import RaySettings
from pipeline.errors import StartupError, WorkerCrashed
from pipeline.run.executors.ray_cluster.cluster import RayCluster, WorkerBuild, bundles


class RayError(Exception):
    """As Ray's."""


class RefusingRay(ModuleType):
    """Ray's module, whose `init` raises, or gives a cluster of these machines."""

    def __init__(self, refusal: Exception | None = None, **resources: float) -> None:
        super().__init__("ray")
        self.exceptions = ModuleType("ray.exceptions")
        self.exceptions.RayError = RayError  # type: ignore[attr-defined]
        self._refusal = refusal
        self._resources = resources
        self.asked: dict[str, Any] = {}
        self.down = False
        self.killed = False
        self.actor = _Actor()
        self.util = _Groups()

    def init(self, address: str, **options: Any) -> None:
        self.asked = {"address": address, **options}
        if self._refusal is not None:
            raise self._refusal

    def cluster_resources(self) -> dict[str, float]:
        return self._resources

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "NodeManagerHostname": "far", "Resources": self._resources}]

    def remote(self, _kind: type) -> _Actor:
        return self.actor

    def wait(self, asked: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return asked, []

    def get(self, asked: Exception | Any) -> Any:
        if isinstance(asked, Exception):
            raise asked
        return asked

    def kill(self, _actor: Any) -> None:
        self.killed = True

    def shutdown(self) -> None:
        self.down = True


class _Groups(ModuleType):
    """`ray.util`: placement groups, by their bundles."""

    def __init__(self) -> None:
        super().__init__("ray.util")
        self.groups: list[list[dict[str, float]]] = []
        self.scheduling_strategies = self
        self.PlacementGroupSchedulingStrategy = dict

    def placement_group(self, bundles: list[dict[str, float]], strategy: str) -> list[dict[str, float]]:
        assert strategy == "PACK", "tasks on the worker's own machine while it has room"
        self.groups.append(bundles)
        return bundles

    def remove_placement_group(self, group: list[dict[str, float]]) -> None:
        self.groups.remove(group)


class _Actor:
    """An actor class and an actor; `greet` gives what it is told to."""

    def __init__(self) -> None:
        self.options_asked: dict[str, Any] = {}
        self.greeting: Any = None

    def options(self, **asked: Any) -> _Actor:
        self.options_asked = asked
        return self

    def remote(self, *_arguments: Any) -> Any:
        return self

    @property
    def greet(self) -> Any:
        return _Method(self.greeting)


class _Method:
    def __init__(self, gives: Any) -> None:
        self._gives = gives

    def remote(self) -> Any:
        return self._gives


def plant(module: RefusingRay, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("ray.util", "ray.util.placement_group", "ray.util.scheduling_strategies")
    for name in names:
        monkeypatch.setitem(sys.modules, name, module.util)
    monkeypatch.setitem(sys.modules, "ray", module)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> RefusingRay:
    module = RefusingRay(CPU=2.0)
    plant(module, monkeypatch)
    return module


def cluster(cpus: float = 1.0, **settings: Any) -> RayCluster:
    return RayCluster(
        RaySettings(**settings), cpus, WorkerBuild(open_worker=_nobody, settle=_nobody, spool=Path("spool"))
    )


def _nobody(*_arguments: Any) -> Any:
    raise AssertionError("no actor is made here")


def test_without_ray_the_run_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(StartupError, match=r"pip install -r requirements-ray.lock, or set run.executor: local"):
        cluster()


def test_an_address_where_nothing_answers_is_said_before_ray_tries_for_minutes(planted: RefusingRay) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(StartupError, match=rf"ray.address {free}: nothing answers there .* start the cluster's head"):
        cluster(address=free)
    assert planted.asked == {}


MISMATCH = "Version mismatch: The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.12.1\nThis process: 2.60.0"


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (RuntimeError(MISMATCH), "Ray: 2.50.0 Python: 3.12.1 This process: 2.60.0; install the cluster's versions"),
        (
            ConnectionError("Could not find any running Ray instance."),
            "no cluster was found .* set ray.address: local",
        ),
        (ConnectionError("Failed to connect to Ray cluster at far:1"), "where it asks for a token, set RAY_AUTH_MODE"),
        (Exception("The current node timed out during startup."), "Exception: The current node timed out"),
    ],
    ids=["version", "no cluster", "token", "start"],
)
def test_what_ray_refuses_is_said_with_what_to_do(
    refusal: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(RefusingRay(refusal), monkeypatch)
    with pytest.raises(StartupError, match=said):
        cluster(address="auto")


@pytest.mark.parametrize(("cpus", "gpus"), [(4.0, 0.0), (1.0, 1.0)], ids=["processors", "accelerator"])
def test_a_cluster_of_this_machine_that_is_too_small_is_said_at_once(
    cpus: float, gpus: float, planted: RefusingRay
) -> None:
    said = rf"a worker asks for {cpus:g} processors, {gpus:g} accelerators, the cluster has far: 2 processors"
    with pytest.raises(StartupError, match=said):
        cluster(cpus, gpus_per_worker=gpus)
    assert planted.down, "what was started is ended again"


def test_a_cluster_of_this_machine_keeps_processes_with_loaded_models(
    planted: RefusingRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = "RAY_num_workers_soft_limit"
    monkeypatch.setenv(limit, "")
    monkeypatch.delenv(limit)
    cluster()
    assert planted.asked["address"] == "local"
    assert int(os.environ[limit]) > 2


@pytest.mark.parametrize(
    ("cpus", "actor", "tasks"),
    [(0.5, 0.25, [0.25]), (1.0, 0.5, [0.5]), (2.0, 1.0, [1.0]), (3.5, 1.0, [1.25] * 2), (8.0, 1.0, [1.0] * 7)],
)
def test_the_processors_of_a_worker_are_its_actors_and_its_tasks(cpus: float, actor: float, tasks: list[float]) -> None:
    first, *others = bundles(cpus, 1.0)
    assert first == {"CPU": actor, "GPU": 1.0}
    assert [one["CPU"] for one in others] == tasks
    assert bundles(cpus, 0.0)[0] == {"CPU": actor}, "Ray refuses a bundle of no accelerator"


def test_a_worker_reserves_what_it_needs_and_ray_does_not_start_it_again(planted: RefusingRay) -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        cluster(3.0, address=f"127.0.0.1:{head.getsockname()[1]}", gpus_per_worker=0.5).ask_for_worker()
    asked = planted.actor.options_asked
    assert (asked["num_cpus"], asked["num_gpus"], asked["max_restarts"]) == (1.0, 0.5, 0)
    (group,) = planted.util.groups
    assert group == [{"CPU": 1.0, "GPU": 0.5}, {"CPU": 1.0}, {"CPU": 1.0}]
    strategy = asked["scheduling_strategy"]
    assert strategy["placement_group"] is group
    assert (strategy["placement_group_bundle_index"], strategy["placement_group_capture_child_tasks"]) == (0, True)


def test_a_worker_that_is_dropped_gives_back_the_processors_of_its_tasks(planted: RefusingRay) -> None:
    worker = cluster().ask_for_worker()
    assert len(planted.util.groups) == 1
    worker.kill()
    assert planted.util.groups == []


def test_a_worker_without_earshot_on_its_machine_says_so(planted: RefusingRay) -> None:
    planted.actor.greeting = RayError(
        "The actor died because of an error raised in its creation task\nTraceback\n"
        "ModuleNotFoundError: No module named 'pipeline'"
    )
    with pytest.raises(StartupError, match=r"No module named 'pipeline'; Earshot and what it needs must be installed"):
        cluster().ask_for_worker().greeting()


def test_a_lost_worker_is_a_crashed_one(planted: RefusingRay) -> None:
    planted.actor.greeting = RayError("The actor is dead because its node has died.\nmore\nlines")
    with pytest.raises(WorkerCrashed, match="its node has died"):
        cluster().ask_for_worker().greeting()


def test_what_a_worker_raised_arrives_as_it_was(planted: RefusingRay) -> None:
    planted.actor.greeting = (False, StartupError("far: no room"))
    with pytest.raises(StartupError, match=r"^far: no room$"):
        cluster().ask_for_worker().greeting()
