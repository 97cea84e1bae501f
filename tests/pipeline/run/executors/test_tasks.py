"""A task that is lost, or given up, as the stage that asked sees it. A module with Ray's names stands for Ray."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.children.worker import TaskServer
from pipeline.errors import AudioUndecodable, EarshotError, WorkerCrashed
from pipeline.run.context import ChildBuild
from pipeline.run.executors.ray_cluster.errand import Terms
from pipeline.run.executors.ray_cluster.host import Host
from pipeline.run.executors.ray_cluster.tasks import HireTasks, _ActorsDepot, run_errand
from tests.pipeline.run.planted import build_worker


class RayError(Exception):
    """As Ray's."""


class AnsweringRay(ModuleType):
    """Ray's module, whose tasks answer `answer`; None: never."""

    def __init__(self, answer: Any) -> None:
        super().__init__("ray")
        self.exceptions = ModuleType("ray.exceptions")
        self.exceptions.RayError = RayError  # type: ignore[attr-defined]
        self._answer = answer
        self.asked: dict[str, Any] = {}
        self.begun: list[tuple[Any, ...]] = []
        self.cancelled: list[bool] = []
        self.current_actor = "the actor"
        self.when_waiting: Callable[[], None] = _nothing

    def put(self, value: Any) -> Any:
        return value

    def remote(self, _function: Any) -> _Task:
        return _Task(self)

    def get_runtime_context(self) -> AnsweringRay:
        return self

    def wait(self, tasks: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        assert timeout < 1.0, "a stage that is closed is not kept waiting"
        self.when_waiting()
        return ([], tasks) if self._answer is None else (tasks, [])

    def get(self, _task: Any) -> Any:
        if isinstance(self._answer, RayError):
            raise self._answer
        return self._answer

    def cancel(self, _task: Any, *, force: bool) -> None:
        self.cancelled.append(force)


class _Task:
    """A remote function."""

    def __init__(self, ray: AnsweringRay) -> None:
        self._ray = ray

    def options(self, **asked: Any) -> _Task:
        self._ray.asked = asked
        return self

    def remote(self, *arguments: Any) -> str:
        self._ray.begun.append(arguments)
        return "a task"


def _nothing(*_: Any) -> Any: ...


def hired(ray: AnsweringRay, monkeypatch: pytest.MonkeyPatch) -> TaskServer:
    monkeypatch.setitem(sys.modules, "ray", ray)
    hire = HireTasks(cpus=0.5, settle=lambda: None, folder=Path("/earshot"), spool=Path("spool"))
    return hire("decoder", ChildBuild(build_worker, ("far",)), "run.prepare_timeout_s")


def test_a_task_is_asked_for_with_its_processor_and_done_again_where_its_machine_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ray = AnsweringRay((True, "decoded"))
    assert hired(ray, monkeypatch).call("a call", 7.0) == "decoded"
    assert (ray.asked["num_cpus"], ray.asked["max_retries"], ray.asked["name"]) == (0.5, 3, "decoder")
    ((_, (terms,), task, limit_s, actor),) = ray.begun
    assert (terms.name, terms.limit_key, task, limit_s, actor) == (
        "decoder",
        "run.prepare_timeout_s",
        "a call",
        7.0,
        "the actor",
    )


def test_what_a_task_raised_arrives_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    server = hired(AnsweringRay((False, AudioUndecodable("a.wav: no decoder"))), monkeypatch)
    with pytest.raises(AudioUndecodable, match="no decoder"):
        server.call("a call", 7.0)


def test_a_task_that_ray_gives_up_is_a_crash_which_the_stage_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = hired(AnsweringRay(RayError("The node died.\nmore")), monkeypatch)
    with pytest.raises(WorkerCrashed, match=r"the decoder task was lost: RayError: The node died\."):
        server.call("a call", 7.0)


def test_a_task_is_ended_when_its_stage_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = AnsweringRay(None)
    server = hired(ray, monkeypatch)
    ray.when_waiting = server.close
    with pytest.raises(WorkerCrashed, match="given up"):
        server.call("a call", 7.0)
    assert ray.cancelled == [True]


class Actor:
    """The worker that asks, as a task of Ray sees it."""

    def __init__(self, host: Host) -> None:
        self.read_piece, self.write_piece = Asked(host.read_piece), Asked(host.write_piece)


class Asked:
    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def remote(self, *arguments: Any) -> Any:
        return self._method(*arguments)


class TheSame(AnsweringRay):
    """Ray's module: what is asked for is there already, but for what is lost."""

    def __init__(self, lost: bool = False) -> None:
        super().__init__(None)
        self._lost = lost

    def get(self, asked: Any) -> Any:
        if self._lost:
            raise RayError("The actor died.\nmore")
        return asked


def test_a_task_reads_and_writes_what_its_actor_sees(tmp_path: Path) -> None:
    depot = _ActorsDepot(TheSame(), Actor(Host(_nothing, _nothing, "")))
    depot.write(tmp_path / "a", 0, b"content")
    assert depot.read(tmp_path / "a", 3, 2) == b"te"
    with pytest.raises(EarshotError, match="FileNotFoundError"):
        depot.read(tmp_path / "nowhere", 0, 1)


def test_a_task_whose_actor_is_lost_says_so(tmp_path: Path) -> None:
    depot = _ActorsDepot(TheSame(lost=True), Actor(Host(_nothing, _nothing, "")))
    (tmp_path / "a").touch()
    with pytest.raises(WorkerCrashed, match=r"the worker that asked is lost: RayError: The actor died"):
        depot.read(tmp_path / "a", 0, 1)


def test_an_errand_is_answered_with_what_went_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", TheSame())
    terms = Terms(
        name="decoder", child=ChildBuild(build_worker, ("far",)), limit_key="run.prepare_timeout_s", settle=_nothing,
        folder=tmp_path / "nowhere", spool=tmp_path, code="",
    )  # fmt: skip
    done, error = run_errand("a kind", [terms], "a call", 7.0, Actor(Host(_nothing, _nothing, "")))
    assert not done
    assert "No such file or directory" in str(error)
