"""No cluster to be had: said in seconds, with what to do. A module with Ray's names stands for Ray."""

from __future__ import annotations

import socket
import sys
from types import ModuleType
from typing import Any

import pytest

from pipeline.config.areas.ray import RaySettings
from pipeline.errors import StartupError, WorkerCrashed
from pipeline.run.executors.ray_cluster.cluster import RayCluster


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
        self.actor = _Actor()

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

    def shutdown(self) -> None:
        self.down = True


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


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> RefusingRay:
    module = RefusingRay(CPU=2.0)
    monkeypatch.setitem(sys.modules, "ray", module)
    return module


def cluster(cpus: float = 1.0, **settings: Any) -> RayCluster:
    return RayCluster(RaySettings(**settings), cpus, _nobody)


def _nobody(_notice: Any) -> Any:
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
    monkeypatch.setitem(sys.modules, "ray", RefusingRay(refusal))
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


def test_a_worker_reserves_what_it_needs_and_ray_does_not_start_it_again(planted: RefusingRay) -> None:
    with socket.create_server(("127.0.0.1", 0)) as head:
        cluster(3.0, address=f"127.0.0.1:{head.getsockname()[1]}", gpus_per_worker=0.5)
    asked = planted.actor.options_asked
    assert (asked["num_cpus"], asked["num_gpus"], asked["max_restarts"]) == (3.0, 0.5, 0)


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
