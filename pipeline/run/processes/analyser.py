"""The analysis process: builds the steps once, then answers with their fingerprints or their results."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import described
from pipeline.ports import AnalysisStep, knows_former_results
from pipeline.records import FALLBACK_MARK, CallForAnalysis, StepResult, StepState


@dataclass(frozen=True, slots=True, kw_only=True)
class CallToAnalyse:
    """One call, the steps wanted (None for all), and stored results that they may read."""

    call: CallForAnalysis
    wanted: frozenset[str] | None
    earlier: Mapping[str, StepResult]
    keep_current: bool = False
    """Leave out steps whose earlier result has today's fingerprint and did not fail: nothing is paid for twice."""


@dataclass(frozen=True, slots=True)
class StaleTask:
    """Asks which steps' stored results are not what they would say today."""

    calls: tuple[CallForAnalysis, ...]
    stored: tuple[Mapping[str, str], ...]
    """For each call the fingerprints of its usable results, by step."""


@dataclass(frozen=True, slots=True)
class AnalyseTask:
    calls: tuple[CallToAnalyse, ...]


@dataclass(frozen=True, slots=True)
class DescribeTask:
    """Asks for the names of the steps, and of those that read audio."""


@dataclass(frozen=True, slots=True)
class AnalyseAnswer:
    """Results per call, and wall seconds per step for the batch."""

    results: tuple[tuple[StepResult, ...], ...]
    timings_s: Mapping[str, float]


Factory = Callable[..., Sequence[AnalysisStep]]


def build_analyser(factory: Factory, arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    """Runs in the spawned process."""
    steps = in_dependency_order(factory(*arguments))

    def answer(task: Any) -> Any:
        if isinstance(task, DescribeTask):
            return [step.name for step in steps], [step.name for step in steps if step.needs_audio]
        if isinstance(task, StaleTask):
            return [stale_steps(steps, call, stored) for call, stored in zip(task.calls, task.stored, strict=True)]
        return analyse(steps, task.calls)

    return answer


def stale_steps(steps: Sequence[AnalysisStep], call: CallForAnalysis, stored: Mapping[str, str]) -> frozenset[str]:
    """Steps whose stored result is not what they would say today, or that have none.

    Args:
        stored: fingerprints of results that did not fail, by step.
    """
    return frozenset(
        step.name for step in steps if (before := stored.get(step.name)) is None or not _is_todays(step, call, before)
    )


def _is_todays(step: AnalysisStep, call: CallForAnalysis, stored: str) -> bool:
    """Former fingerprints are made only where today's does not fit: planning asks this of every call."""
    if stored == step.fingerprint(call):
        return True
    return knows_former_results(step) and stored in step.former_fingerprints(call)


def in_dependency_order(steps: Sequence[AnalysisStep]) -> list[AnalysisStep]:
    """Every step after those it reads. Raises ValueError for a cycle or an unknown name."""
    names = {step.name for step in steps}
    ordered: list[AnalysisStep] = []
    placed: set[str] = set()
    waiting = list(steps)
    while waiting:
        ready = [step for step in waiting if placed.issuperset(set(step.after) & names)]
        if not ready:
            raise ValueError(f"analysis steps wait for each other: {', '.join(step.name for step in waiting)}")
        ordered.extend(ready)
        placed.update(step.name for step in ready)
        waiting = [step for step in waiting if step.name not in placed]
    return ordered


def analyse(steps: Sequence[AnalysisStep], calls: Sequence[CallToAnalyse]) -> AnalyseAnswer:
    """Run each step over all calls that want it. When a step raises, its calls lose this step and nothing else."""
    known: list[dict[str, StepResult]] = [dict(item.earlier) for item in calls]
    fresh: list[list[StepResult]] = [[] for _ in calls]
    timings: dict[str, float] = {}
    wanted = [_wanted(steps, item) for item in calls]
    for step in steps:
        began = time.perf_counter()
        chosen = [i for i, names in enumerate(wanted) if names is None or step.name in names]
        if chosen:
            results = _run_step(step, [calls[i].call for i in chosen], [known[i] for i in chosen])
            for index, result in zip(chosen, results, strict=True):
                # Steps after it read what will be stored.
                known[index][step.name] = _better(result, known[index].get(step.name))
                fresh[index].append(result)
        timings[step.name] = time.perf_counter() - began
    return AnalyseAnswer(tuple(tuple(results) for results in fresh), timings)


def _wanted(steps: Sequence[AnalysisStep], item: CallToAnalyse) -> frozenset[str] | None:
    if item.wanted is not None:
        return with_dependents(steps, item.wanted)
    if not item.keep_current:
        return None
    return with_dependents(steps, stale_steps(steps, item.call, _usable(item.earlier)))


def _usable(results: Mapping[str, StepResult]) -> dict[str, str]:
    return {name: result.fingerprint for name, result in results.items() if result.state is not StepState.FAILED}


def with_dependents(steps: Sequence[AnalysisStep], wanted: Collection[str]) -> frozenset[str]:
    """The steps wanted and those that read them, whose results may change too. `steps` in dependency order."""
    chosen = set(wanted)
    for step in steps:
        if not chosen.isdisjoint(step.after):
            chosen.add(step.name)
    return frozenset(chosen)


_KEPT = "kept from an earlier run, since now: "


def keep_better(results: Sequence[StepResult], earlier: Mapping[str, StepResult]) -> tuple[StepResult, ...]:
    """What to store for a call whose transcript has not changed. A fallback's answer, or none, never replaces a better
    stored one: that one stays, and its reason says why it was not made again."""
    return tuple(_better(result, earlier.get(result.step)) for result in results)


def _better(result: StepResult, before: StepResult | None) -> StepResult:
    worse = result.state is StepState.FAILED or result.fingerprint.endswith(FALLBACK_MARK)
    if not worse or before is None or before.state is not StepState.DONE or before.fingerprint.endswith(FALLBACK_MARK):
        return result
    own = (before.reason or "").partition(_KEPT)[0].rstrip("; ")
    reason = "; ".join(filter(None, (own, f"{_KEPT}{result.reason or 'no reason was given'}")))
    return replace(before, reason=reason, services=result.services, kept=True)


def _run_step(
    step: AnalysisStep, calls: list[CallForAnalysis], earlier: list[dict[str, StepResult]]
) -> Sequence[StepResult]:
    try:
        results = step.run(calls, earlier)
        if len(results) != len(calls):
            raise ValueError(f"step {step.name} gave {len(results)} results for {len(calls)} calls")
        return results
    except Exception as error:  # noqa: BLE001 - one by one, so that only the call at fault loses the step
        if len(calls) == 1:
            return [failed(step.name, step.fingerprint(calls[0]), described(error))]
    return [_run_step(step, [call], [before])[0] for call, before in zip(calls, earlier, strict=True)]


def failed(step: str, fingerprint: str, reason: str) -> StepResult:
    return StepResult(step=step, fingerprint=fingerprint, state=StepState.FAILED, payload=None, reason=reason)
