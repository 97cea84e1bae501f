"""The analysis of one call, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.records import FALLBACK_MARK, CallForAnalysis, StepResult, StepState
from pipeline.run.processes.analyser import CallToAnalyse, analyse
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
