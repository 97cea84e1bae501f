"""The analysis of one call, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from pipeline.errors import EarshotError
from pipeline.records import FALLBACK_MARK, CallForAnalysis, StepResult, StepState
from pipeline.run.processes.analyser import (
    AnalyseTask,
    CallToAnalyse,
    DescribeTask,
    StaleTask,
    analyse,
    build_analyser,
    in_dependency_order,
    keep_better,
    with_dependents,
)
from tests.analysis.calls import call

STORED = StepResult(step="topic", fingerprint="best", state=StepState.DONE, payload="Billing")


class Step:
    """Answers always the same, and keeps what it was given."""

    needs_audio = False

    def __init__(self, result: StepResult, after: tuple[str, ...] = ()) -> None:
        self.name = result.step
        self.after = after
        self.read: list[Mapping[str, StepResult]] = []
        self._result = result

    def fingerprint(self, call: CallForAnalysis) -> str:
        return self._result.fingerprint

    def run(
        self, calls: Sequence[CallForAnalysis], earlier: Sequence[Mapping[str, StepResult]]
    ) -> Sequence[StepResult]:
        self.read = [dict(known) for known in earlier]
        return [self._result for _ in calls]

    def close(self) -> None: ...


def test_a_step_reads_what_will_be_stored_of_the_one_before_it() -> None:
    """Rules read the topic of a fallback, while the table kept the better one."""
    worse = replace(STORED, fingerprint=f"other{FALLBACK_MARK}", payload="Delivery")
    reader = Step(replace(STORED, step="rules"), after=("topic",))
    item = CallToAnalyse(call=call(("client", "hello")), wanted=None, earlier={"topic": STORED})
    ((topic, _),) = analyse([Step(worse), reader], [item]).results
    assert topic is worse
    assert reader.read[0]["topic"].payload == "Billing"


def step(name: str, *after: str, needs_audio: bool = False) -> Step:
    made = Step(replace(STORED, step=name, fingerprint=f"{name}-today", payload=f"{name}'s"), after)
    made.needs_audio = needs_audio
    return made


def asked(name: str, **chosen: object) -> CallToAnalyse:
    return CallToAnalyse(call=call(("client", "hello"), name=name), **{"wanted": None, "earlier": {}, **chosen})  # type: ignore[arg-type]


class Choosy(Step):
    """Takes no call of this name, and leaves one out of a batch that holds the other."""

    def run(
        self, calls: Sequence[CallForAnalysis], earlier: Sequence[Mapping[str, StepResult]]
    ) -> Sequence[StepResult]:
        names = [one.call_id for one in calls]
        if "broken" in names:
            raise EarshotError("no such mood")
        return super().run(calls, earlier)["left-out" in names :]


def test_only_the_call_at_fault_loses_the_step() -> None:
    choosy, last = Choosy(replace(STORED, step="mood")), step("rules", "mood")
    calls = [asked("a"), asked("broken"), asked("b", earlier={"other": STORED}), asked("left-out")]
    a, broken, b, left_out = analyse([choosy, last], calls).results
    assert [result.state for result, _ in (a, broken, b, left_out)] == [
        StepState.DONE,
        StepState.FAILED,
        StepState.DONE,
        StepState.FAILED,
    ]
    assert broken[0].reason == "no such mood"
    assert broken[0].fingerprint == choosy.fingerprint(calls[1].call)
    assert "ValueError" in (left_out[0].reason or "")
    assert all(after.payload == "rules's" for _, after in (a, broken, b, left_out))
    assert set(last.read[2]) == {"other", "mood"}


TOPIC, SUMMARY, RULES = step("topic", needs_audio=True), step("summary", "topic"), step("rules", "summary", "absent")


def test_steps_come_after_those_they_read() -> None:
    assert in_dependency_order([RULES, SUMMARY, TOPIC]) == [TOPIC, SUMMARY, RULES]
    with pytest.raises(ValueError, match="wait for each other: summary, rules"):
        in_dependency_order([step("summary", "rules"), step("rules", "summary"), TOPIC])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [({"topic"}, {"topic", "summary", "rules"}), ({"summary"}, {"summary", "rules"}), ({"rules"}, {"rules"}), ((), ())],
)
def test_what_reads_a_wanted_step_is_made_again_too(wanted: set[str], expected: set[str]) -> None:
    assert with_dependents([TOPIC, SUMMARY, RULES], wanted) == frozenset(expected)
    ((*made,),) = analyse([TOPIC, SUMMARY, RULES], [asked("a", wanted=frozenset(wanted))]).results
    assert {result.step for result in made} == set(expected)


class Renamed(Step):
    """Has had another fingerprint, which says the same."""

    def former_fingerprints(self, call: CallForAnalysis) -> frozenset[str]:
        return frozenset({"topic-of-last-year"})


@pytest.mark.parametrize(
    ("stored", "stale"),
    [
        ({"topic": "topic-today", "rules": "rules-today"}, ()),
        ({"topic": "topic-of-last-year", "rules": "rules-today"}, ()),
        ({"topic": "topic-of-another-model", "rules": "rules-today"}, {"topic"}),
        ({"topic": "topic-today", "rules": "topic-of-last-year"}, {"rules"}),
        ({"topic": "topic-today"}, {"rules"}),
        ({}, {"topic", "rules"}),
    ],
)
def test_the_process_says_which_steps_are_out_of_date(stored: dict[str, str], stale: set[str]) -> None:
    topic = Renamed(replace(STORED, step="topic", fingerprint="topic-today"))
    answer = build_analyser(lambda *steps: steps, (step("rules"), topic))
    one = call(("client", "hello"))
    assert answer(StaleTask((one,), (stored,))) == [frozenset(stale)]


def test_the_process_describes_its_steps_in_their_order_and_runs_them() -> None:
    answer = build_analyser(lambda *steps: steps, (SUMMARY, TOPIC))
    assert answer(DescribeTask()) == (["topic", "summary"], ["topic"])
    done = answer(AnalyseTask((asked("a"), asked("b"))))
    assert [[result.step for result in results] for results in done.results] == [["topic", "summary"]] * 2
    assert set(done.timings_s) == {"topic", "summary"}


@pytest.mark.parametrize(
    ("earlier", "made"),
    [
        ({"topic": "topic-today", "summary": "summary-today"}, []),
        ({"topic": "another", "summary": "summary-today"}, ["topic", "summary"]),
        ({"topic": "topic-today", "summary": "another"}, ["summary"]),
        ({"topic": "topic-today"}, ["summary"]),
    ],
)
def test_what_is_current_is_not_paid_for_again(earlier: dict[str, str], made: list[str]) -> None:
    known = {name: replace(STORED, step=name, fingerprint=stored) for name, stored in earlier.items()}
    ((*results,),) = analyse([TOPIC, SUMMARY], [asked("a", keep_current=True, earlier=known)]).results
    assert [result.step for result in results] == made


def test_a_failed_result_is_never_current() -> None:
    known = {"topic": replace(STORED, fingerprint="topic-today", state=StepState.FAILED)}
    ((topic,),) = analyse([TOPIC], [asked("a", keep_current=True, earlier=known)]).results
    assert topic.state is StepState.DONE


FAILED = replace(STORED, state=StepState.FAILED, fingerprint="new", payload=None, reason="no answer")
FALLBACK = replace(STORED, fingerprint=f"new{FALLBACK_MARK}", payload="Delivery", reason="no model")


@pytest.mark.parametrize(
    ("result", "before", "reason"),
    [
        (FAILED, STORED, "kept from an earlier run, since now: no answer"),
        (FALLBACK, STORED, "kept from an earlier run, since now: no model"),
        (replace(FAILED, reason=None), STORED, "kept from an earlier run, since now: no reason was given"),
        (
            FAILED,
            replace(STORED, reason="half of it; kept from an earlier run, since now: no model"),
            "half of it; kept from an earlier run, since now: no answer",
        ),
        (replace(STORED, fingerprint="new"), STORED, None),
        (FAILED, None, None),
        (FAILED, FAILED, None),
        (FALLBACK, FALLBACK, None),
    ],
)
def test_a_worse_answer_replaces_no_better_one(
    result: StepResult, before: StepResult | None, reason: str | None
) -> None:
    (kept,) = keep_better([result], {} if before is None else {"topic": before})
    if reason is None:
        assert kept is result
        return
    assert before is not None
    assert kept == replace(before, reason=reason, services=result.services, kept=True)
