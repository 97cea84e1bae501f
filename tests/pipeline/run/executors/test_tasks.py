"""A task that is lost, or given up, as the stage that asked sees it. A module with Ray's names stands for Ray."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.children.worker import TaskServer
from pipeline.errors import AudioUndecodable, WorkerCrashed
from pipeline.run.context import ChildBuild
from pipeline.run.executors.ray_cluster.tasks import HireTasks
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


def _nothing() -> None: ...


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
