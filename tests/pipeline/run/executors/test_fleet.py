"""A run whose workers are elsewhere: how many are asked for, what a lost one costs, how they are stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.config.areas.ray import RaySettings
from pipeline.config.areas.run import RunSettings
from pipeline.config.areas.sources import InputSettings
from pipeline.config.root import Settings
from pipeline.errors import (
    EarshotError,
    ModelUnavailable,
    RunInterrupted,
    StartupError,
    WorkerCrashed,
)
from pipeline.purse import Purse
from pipeline.records import CallStatus, EngineIdentity, FoundCall
from pipeline.run.context import BatchParts, ChildBuild
from pipeline.run.crew import RecogniserFigures
from pipeline.run.executors.port import ExecutorParts
from pipeline.run.executors.ray_cluster.fleet import Fleet
from pipeline.run.executors.ray_cluster.host import Greeting, News
from pipeline.run.executors.ray_cluster.port import RemoteWorker
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.recipes import Recipe
from pipeline.run.processes.analyser import build_analyser
from pipeline.run.signals import RunSignals
from pipeline.run.tally import Tally
from pipeline.run.transcripts import Transcripts
from pipeline.sources.addressed import AddressedSource
from pipeline.version import code_digest
from tests.pipeline.run.planted import build_recogniser

IDENTITY = EngineIdentity(engine="planted", model="m", revision=None, options_hash="", rank=0, demonstration=False)


class CallsToDo(ClaimsInMemory):
    """Counts; remembers whose claims were freed."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.calls = calls
        self.freed: list[str] = []

    def left(self, run_id: str | None) -> int:
        return self.calls

    def free_of(self, worker: str) -> None:
        self.freed.append(worker)


@dataclass
class Script:
    """What one worker will do. Each look at it does a call, as long as there are any."""

    placed: bool = True
    code: str = field(default_factory=code_digest)
    identity: EngineIdentity | EarshotError = IDENTITY
    lost_after: int | None = None
    """Looks until it is lost."""
    error: EarshotError = field(default_factory=lambda: WorkerCrashed("ActorDiedError: its machine is gone"))
    notices: tuple[str, ...] = ()


class PlannedWorker:
    """`RemoteWorker` by script."""

    def __init__(self, number: int, script: Script, claims: CallsToDo, tally: Tally) -> None:
        self._name = f"worker {number}"
        self._script = script
        self._claims = claims
        self._tally = tally
        self._looks = 0
        self.stopped: str | None = None
        self.killed = False

    def greeting(self) -> Greeting | None:
        return Greeting(name=self._name, host="far", code=self._script.code) if self._script.placed else None

    def identity(self) -> EngineIdentity | None:
        if isinstance(self._script.identity, EarshotError):
            raise self._script.identity
        return self._script.identity

    def news(self) -> News | None:
        return News(in_hand=min(1, self._claims.calls), notices=self._script.notices)

    def figures(self) -> RecogniserFigures | None:
        if self._looks == self._script.lost_after:
            raise self._script.error
        self._looks += 1
        if self._claims.calls and self.stopped is None:
            self._claims.calls -= 1
            self._tally.done += 1
            return None
        return RecogniserFigures(busy_s=2.0, span_s=3.0, restarts=1, spent=Purse(0.5, 10)) if self.stopped else None

    def stop(self, reason: str) -> None:
        self.stopped = reason

    def kill(self) -> None:
        self.killed = True


class PlannedCluster:
    """`Cluster` that gives workers by script, the last one again and again."""

    def __init__(self, scripts: Sequence[Script], claims: CallsToDo, tally: Tally) -> None:
        self._scripts = scripts
        self._claims = claims
        self._tally = tally
        self.given: list[PlannedWorker] = []
        self.closed = False

    def ask_for_worker(self) -> RemoteWorker:
        script = self._scripts[min(len(self.given), len(self._scripts) - 1)]
        self.given.append(PlannedWorker(len(self.given), script, self._claims, self._tally))
        return self.given[-1]

    def why_none(self) -> str:
        return "a worker asks for 1 accelerators, the cluster has none"

    def close(self) -> None:
        self.closed = True


class Notices:
    def __init__(self) -> None:
        self.told: list[str] = []

    def planned(self, total: int, total_bytes: int) -> None: ...

    def call_finished(self, found: FoundCall, status: CallStatus, detail: str) -> None: ...

    def notice(self, message: str) -> None:
        self.told.append(message)


class Bed:
    """A fleet over planned workers; the clock goes on by a second with each look at it."""

    def __init__(self, calls: int, *scripts: Script, workers: int = 4, calls_per_worker: int = 2) -> None:
        self.claims, tally = CallsToDo(calls), Tally()
        self.cluster = PlannedCluster(scripts or (Script(),), self.claims, tally)
        self.signals = RunSignals(RunSettings(stop_grace_s=5))
        self.observer = Notices()
        self._seconds = 1000.0
        parts = BatchParts(
            source=AddressedSource(InputSettings(path="/nowhere")),
            store=None,  # type: ignore[arg-type]  # rows are the workers'
            claims=self.claims,
            preparer=ChildBuild(dict, ()),
            recogniser=build_recogniser,
            recogniser_arguments=(),
            analyser=ChildBuild(build_analyser, ()),
            transcripts=Transcripts(Settings()),
        )
        given = ExecutorParts(
            parts=parts,
            observer=self.observer,
            recipe=Recipe(engines=("planted",), first=None),
            recorder=PerformanceRecorder(),
            signals=self.signals,
            tally=tally,
        )
        settings = RaySettings(workers=workers, calls_per_worker=calls_per_worker, start_timeout_s=60)
        self.fleet = Fleet(settings, self.cluster, given, now=self._now, look_s=0.0)
        self.beats = 0

    def _now(self) -> float:
        self._seconds += 1.0
        return self._seconds

    def work(self, when_beaten: Callable[[], None] = lambda: None) -> None:
        def beat() -> None:
            self.beats += 1
            when_beaten()

        self.fleet.work("run", (), beat)

    @property
    def workers(self) -> list[PlannedWorker]:
        return self.cluster.given


@pytest.mark.parametrize(("calls", "asked"), [(1, 1), (2, 1), (3, 2), (8, 4), (9, 4), (900, 4)])
def test_as_many_workers_are_asked_for_as_the_calls_are_worth(calls: int, asked: int) -> None:
    bed = Bed(calls)
    bed.work()
    assert len(bed.workers) == asked
    assert bed.claims.calls == 0
    assert bed.beats > 0


def test_the_first_worker_tells_the_recogniser_and_works_on_with_it() -> None:
    bed = Bed(4)
    assert bed.fleet.load_recogniser() == IDENTITY
    assert len(bed.workers) == 1
    bed.work()
    assert bed.fleet.identity == IDENTITY
    assert len(bed.workers) == 2


def test_figures_of_the_recognisers_are_added_up() -> None:
    bed = Bed(8)
    bed.work()
    assert bed.fleet.figures == RecogniserFigures(busy_s=8.0, span_s=12.0, restarts=4, spent=Purse(2.0, 40))


def test_a_lost_workers_calls_are_free_at_once_and_another_worker_takes_its_place() -> None:
    bed = Bed(20, Script(lost_after=3), Script(), workers=2)
    bed.work()
    assert bed.claims.calls == 0
    assert bed.claims.freed == ["worker 0"]
    assert len(bed.workers) == 3
    assert bed.workers[0].killed
    assert (
        "far: a worker is lost (ActorDiedError: its machine is gone); its calls are done by others" in bed.observer.told
    )


def test_a_run_ends_when_every_worker_is_lost_before_it_does_a_call() -> None:
    bed = Bed(20, Script(lost_after=0), workers=1)
    with pytest.raises(StartupError, match="3 workers in a row were lost before a call was done"):
        bed.work()
    assert len(bed.workers) == 3


def test_workers_lost_now_and_then_in_a_long_run_do_not_end_it() -> None:
    bed = Bed(40, Script(lost_after=4), workers=1)
    bed.work()
    assert len(bed.workers) == 10
    assert bed.claims.calls == 0


def test_what_the_first_worker_lacks_ends_the_run_before_it_begins() -> None:
    bed = Bed(20, Script(identity=ModelUnavailable("no weights on far")))
    with pytest.raises(ModelUnavailable, match="no weights on far"):
        bed.fleet.load_recogniser()
    assert len(bed.workers) == 1


def test_one_machine_without_weights_does_not_end_a_run_that_others_work_on() -> None:
    broken = Script(lost_after=0, error=ModelUnavailable("no weights here"))
    bed = Bed(30, Script(), broken, Script(), workers=2)
    bed.fleet.load_recogniser()
    bed.work()
    assert bed.claims.calls == 0
    assert any("no weights here" in told for told in bed.observer.told)


def test_a_machine_with_other_code_is_refused() -> None:
    bed = Bed(4, Script(code="another"))
    with pytest.raises(StartupError, match="far has another version of Earshot's code"):
        bed.fleet.load_recogniser()


def test_a_worker_that_gets_no_machine_is_told_of_and_then_ends_the_run() -> None:
    bed = Bed(4, Script(placed=False))
    with pytest.raises(StartupError, match=r"within ray.start_timeout_s \(60 s\): a worker asks for"):
        bed.work()
    assert bed.observer.told == ["workers wait for a machine: a worker asks for 1 accelerators, the cluster has none"]


def test_a_worker_that_waits_is_not_asked_for_any_more_when_few_calls_are_left() -> None:
    bed = Bed(6, Script(), Script(placed=False), workers=3)
    bed.work()
    placed, *waiting = bed.workers
    assert not placed.killed
    assert [worker.killed for worker in waiting] == [True, True]


def test_a_stop_reaches_every_worker_and_none_is_asked_for_after_it() -> None:
    bed = Bed(1000)
    bed.work(lambda: bed.signals.stop("SIGTERM received"))
    assert [worker.stopped for worker in bed.workers] == ["SIGTERM received"] * 4
    assert bed.claims.calls > 900


class Stubborn(PlannedWorker):
    def figures(self) -> RecogniserFigures | None:
        return None


class StubbornCluster(PlannedCluster):
    def ask_for_worker(self) -> RemoteWorker:
        self.given.append(Stubborn(len(self.given), Script(), self._claims, self._tally))
        return self.given[-1]


def test_a_worker_that_does_not_stop_is_killed_after_the_grace_and_its_calls_are_free() -> None:
    bed = Bed(8)
    bed.cluster.__class__ = StubbornCluster
    stopped_at: list[int] = []

    def stop() -> None:
        stopped_at.append(bed.beats)
        bed.signals.stop("SIGTERM received")

    bed.work(stop)
    assert [worker.killed for worker in bed.workers] == [True] * 4
    assert len(stopped_at) == 15, "5 s and 10 s to spare, by a clock that goes on by a second with each look"
    assert bed.claims.freed == [f"worker {number}" for number in range(4)]


def test_a_stop_before_the_recogniser_is_there_ends_the_run() -> None:
    bed = Bed(8, Script(placed=False))
    bed.signals.stop("SIGINT received")
    with pytest.raises(RunInterrupted):
        bed.fleet.load_recogniser()


def test_what_all_workers_say_is_told_once() -> None:
    bed = Bed(20, Script(notices=("recogniser: planted",)))
    bed.work()
    assert bed.observer.told == ["far: recogniser: planted"]


def test_the_end_of_a_run_ends_what_is_left_of_the_fleet() -> None:
    bed = Bed(8)
    bed.fleet.load_recogniser()
    bed.fleet.close()
    assert bed.workers[0].killed
    assert bed.cluster.closed
