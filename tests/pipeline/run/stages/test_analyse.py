"""The analysis of batches: what breaks one call costs that call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands.evaluate.comparison.claims_in_memory import ClaimsInMemory
from pipeline.config.areas.run import Reprocess, RunSettings
from pipeline.errors import DatabaseUnavailable, EarshotError, StageTimeout, StartupError, WorkerCrashed
from pipeline.records import CallFailure, Claim, StepResult, StepState, Transcript
from pipeline.run.context import BatchParts, RunContext
from pipeline.run.desk import Desk
from pipeline.run.performance import PerformanceRecorder
from pipeline.run.planning.plan import Action, PlannedCall
from pipeline.run.processes.analyser import AnalyseAnswer, AnalyseTask, CallToAnalyse
from pipeline.run.signals import RunSignals
from pipeline.run.stages.analyse import AnalyseStage
from pipeline.run.stages.work import Finished, StageQueue, Work
from pipeline.run.tally import Tally
from tests.pipeline.run.stages.test_recognise import FIRST, Silent, found_call

TOPIC = StepResult(step="topic", fingerprint="today", state=StepState.DONE, payload="Billing")


class Store:
    """Results of an earlier run; asking for some calls fails."""

    def __init__(self, errors: Mapping[str, Exception], earlier: Mapping[str, StepResult]) -> None:
        self._errors = errors
        self._earlier = earlier

    def step_results(self, call_id: str, transcript_fingerprint: str) -> Mapping[str, StepResult]:
        assert transcript_fingerprint == f"transcript of {call_id}"
        if call_id in self._errors:
            raise self._errors[call_id]
        return self._earlier


class Analyser:
    """Answers with the topic of each call, unless `fails` has an error for the names of the batch."""

    def __init__(self, fails: Callable[[list[str], int], Exception | None]) -> None:
        self.asked: list[list[str]] = []
        self.items: list[CallToAnalyse] = []
        self.closed = 0
        self.killed_with: RunSignals | None = None
        self._fails = fails

    def call(self, task: Any, timeout_s: float) -> AnalyseAnswer:
        assert isinstance(task, AnalyseTask)
        assert timeout_s == 60.0
        names = [item.call.call_id for item in task.calls]
        self.asked.append(names)
        self.items += task.calls
        if self.killed_with is not None:
            self.killed_with.abandoned.set()
            raise WorkerCrashed("killed")
        error = self._fails(names, self.asked.count(names))
        if error is not None:
            raise error
        return AnalyseAnswer(tuple((TOPIC,) for _ in names), {"topic": 0.5})

    def close(self) -> None:
        self.closed += 1


def work(name: str, spool: Path, **planned: Any) -> Work:
    plan = PlannedCall(found=found_call(name), **{"action": Action.NEW, **planned})
    transcript = Transcript(fingerprint=f"transcript of {name}", identity=FIRST, language=None, chunks=())
    claim = Claim(claim_id=1, run_id="run", fence=1, call={})
    return Work(claim=claim, planned=plan, spool=spool, call_id=name, transcript=transcript)


def analysed(
    works: Sequence[Work],
    analyser: Analyser,
    *,
    errors: Mapping[str, Exception] | None = None,
    earlier: Mapping[str, StepResult] | None = None,
    reprocess: Reprocess = Reprocess.FAILED,
    abandoned: bool = False,
) -> tuple[list[Finished], RunSignals, Silent]:
    settings = RunSettings(calls_per_batch=4, analysis_timeout_s=60.0, reprocess=reprocess)
    signals, observer, nothing = RunSignals(settings), Silent(), None
    store: Any = Store(errors or {}, earlier or {})
    unused: Any = nothing
    parts = BatchParts(
        source=unused, store=store, claims=ClaimsInMemory(), preparer=unused, recogniser=unused,
        recogniser_arguments=(), analyser=unused, transcripts=unused,
    )  # fmt: skip
    context = RunContext(
        parts=parts, signals=signals, recorder=PerformanceRecorder(), observer=observer, tally=Tally(),
        desk=Desk(parts.claims, "run", settings),
    )  # fmt: skip
    inbox: StageQueue[Work] = StageQueue(100, signals, 1)
    finished: StageQueue[Finished] = StageQueue(100, signals, 1)
    for one in works:
        inbox.put(one, one.priority)
    inbox.writer_done()
    stage = AnalyseStage(context, [analyser], ("topic", "rules"))
    if abandoned:
        analyser.killed_with = signals
    for thread in stage.start(inbox, finished):
        thread.join(30)
    return finished.take_waiting(100), signals, observer


def test_calls_that_wait_are_analysed_together_and_timed(tmp_path: Path) -> None:
    analyser = Analyser(lambda names, time: None)
    finished, signals, _ = analysed([work(name, tmp_path) for name in "abcde"], analyser)
    assert analyser.asked == [["a", "b", "c", "d"], ["e"]]
    assert [(one.call_id, one.steps) for one in finished if isinstance(one, Work)] == [(n, (TOPIC,)) for n in "abcde"]
    assert [one.timings_s["analyse.topic"] for one in finished if isinstance(one, Work)] == [0.125] * 4 + [0.5]
    assert analyser.closed == 1
    assert signals.fatal is None


def failing(culprit: str, error: Exception, times: int = 10) -> Callable[[list[str], int], Exception | None]:
    return lambda names, time: error if culprit in names and (len(names) > 1 or time <= times) else None


@pytest.mark.parametrize(
    ("error", "times", "asked", "lost"),
    [
        (WorkerCrashed("exit code 9"), 10, ["b", "b"], True),
        (WorkerCrashed("exit code 9"), 1, ["b", "b"], False),
        (StageTimeout("nothing within 60 s"), 10, ["b"], True),
    ],
)
def test_a_batch_that_breaks_its_process_is_tried_call_by_call(
    tmp_path: Path, error: Exception, times: int, asked: list[str], lost: bool
) -> None:
    analyser = Analyser(failing("b", error, times))
    finished, signals, observer = analysed([work(name, tmp_path) for name in "abc"], analyser)
    assert analyser.asked == [["a", "b", "c"], ["a"], *([name] for name in asked), ["c"]]
    states = {one.call_id: [step.state for step in one.steps] for one in finished if isinstance(one, Work)}
    done, failed = [StepState.DONE], [StepState.FAILED] * 2
    assert states == {"a": done, "b": failed if lost else done, "c": done}
    assert signals.fatal is None
    assert observer.notices == ([f"b: analysis failed: {error}"] if lost else [])


def test_steps_that_could_not_be_made_again_stay_as_they_were(tmp_path: Path) -> None:
    analyser = Analyser(failing("a", StageTimeout("too slow")))
    ((one,), *_) = analysed([work("a", tmp_path)], analyser, earlier={"topic": TOPIC})
    assert isinstance(one, Work)
    assert [(step.step, step.state, step.kept) for step in one.steps] == [
        ("topic", StepState.DONE, True),
        ("rules", StepState.FAILED, False),
    ]
    only = work("a", tmp_path, action=Action.ANALYSE, steps=frozenset({"rules"}))
    ((one,), *_) = analysed([only], Analyser(failing("a", StageTimeout("too slow"))))
    assert isinstance(one, Work)
    assert [(step.step, step.reason) for step in one.steps] == [("rules", "too slow")]


def test_a_call_whose_results_cannot_be_read_fails_alone(tmp_path: Path) -> None:
    errors = {"b": EarshotError("its results cannot be read")}
    finished, signals, _ = analysed(
        [work(name, tmp_path) for name in "abc"], Analyser(lambda names, time: None), errors=errors
    )
    failures = [one for one in finished if isinstance(one, CallFailure)]
    assert [(one.found.file_name, one.stage, one.message) for one in failures] == [
        ("b", "analyse", "its results cannot be read")
    ]
    assert [one.call_id for one in finished if isinstance(one, Work)] == ["a", "c"]
    assert signals.fatal is None


def test_without_its_database_the_run_ends(tmp_path: Path) -> None:
    analyser = Analyser(lambda names, time: None)
    error = DatabaseUnavailable("gone")
    assert isinstance(error, StartupError)
    finished, signals, _ = analysed([work("a", tmp_path)], analyser, errors={"a": error})
    assert (finished, analyser.asked, analyser.closed) == ([], [], 1)
    assert signals.fatal is error


def test_what_is_under_way_when_a_run_is_abandoned_is_not_stored(tmp_path: Path) -> None:
    finished, signals, _ = analysed([work("a", tmp_path)], Analyser(lambda names, time: None), abandoned=True)
    assert (finished, signals.fatal) == ([], None)


@pytest.mark.parametrize(
    ("planned", "reprocess", "wanted", "keep"),
    [
        ({}, Reprocess.FAILED, None, True),
        ({"forced": True}, Reprocess.FAILED, None, False),
        ({}, Reprocess.ANALYSIS, None, False),
        ({}, Reprocess.ALL, None, False),
        ({"action": Action.ANALYSE, "steps": frozenset({"topic"})}, Reprocess.FAILED, frozenset({"topic"}), True),
        ({"action": Action.NEW, "steps": frozenset({"topic"})}, Reprocess.FAILED, None, True),
    ],
)
def test_what_is_asked_for_a_call(
    tmp_path: Path, planned: dict[str, Any], reprocess: Reprocess, wanted: object, keep: bool
) -> None:
    analyser = Analyser(lambda names, time: None)
    analysed([work("a", tmp_path, **planned)], analyser, earlier={"topic": TOPIC}, reprocess=reprocess)
    (item,) = analyser.items
    assert (item.wanted, item.keep_current, dict(item.earlier)) == (wanted, keep, {"topic": TOPIC})


def test_an_urgent_call_is_not_analysed_with_others(tmp_path: Path) -> None:
    analyser = Analyser(lambda names, time: None)
    urgent = work("u", tmp_path)
    urgent.claim = replace(urgent.claim, priority=1)
    analysed([work("a", tmp_path), urgent, work("b", tmp_path)], analyser)
    assert analyser.asked == [["u"], ["a", "b"]]
