"""What became of the calls, in figures: those of this worker, and those of the whole run."""

from __future__ import annotations

import pytest

from pipeline.handled import Handled, HandledAs, ServiceUse, joined, services_of
from pipeline.records import CallFailure, CallStatus, StepResult, StepState
from pipeline.run.tally import Tally, WorkDone
from tests.pipeline.run.test_reconcile import found, skipped

FAILURE = CallFailure(
    found=found("b.wav"), run_id="run", stage="prepare", error_type="Odd", message="odd", transient=False
)
DONE = Handled(
    handled_as=HandledAs.DONE, status=CallStatus.DONE, call_id="id", detail="clipped", audio_s=60.0, speech_s=20.0,
    transcribed_by="first", services={"small": ServiceUse(2, 1, "503")},
)  # fmt: skip
FAILED = Handled(handled_as=HandledAs.FAILED, status=CallStatus.FAILED, detail="Odd: odd", failure=FAILURE)
SKIPPED = Handled(handled_as=HandledAs.SKIPPED, status=CallStatus.SKIPPED, skipped=skipped("c.wav"))
KEPT = Handled(handled_as=HandledAs.KEPT, status=CallStatus.DONE, call_id="id", audio_s=0.0)


@pytest.mark.parametrize(
    ("handled", "figures"),
    [
        (DONE, (1, 0, 0, 60.0, 20.0)),
        (FAILED, (0, 1, 0, 0.0, 0.0)),
        (SKIPPED, (0, 0, 1, 0.0, 0.0)),
        (KEPT, (0, 0, 0, 0.0, 0.0)),
    ],
)
def test_a_call_is_counted_once_wherever_it_was_worked_on(
    handled: Handled, figures: tuple[int, int, int, float, float]
) -> None:
    here, elsewhere = Tally(), Tally()
    here.take(found("a.wav"), handled)
    elsewhere.take_elsewhere(found("a.wav"), handled)
    for tally in (here, elsewhere):
        assert (tally.done, tally.failed, tally.skipped, tally.recognised_s, tally.speech_s) == figures
        assert tally.kept == ([found("a.wav").source_uri] if handled is KEPT else [])
        assert tally.failures == ([FAILURE] if handled is FAILED else [])
        assert tally.skipped_files == ([skipped("c.wav")] if handled is SKIPPED else [])
        assert len(tally.statuses) == (handled in (DONE, FAILED))
    own = here.here
    assert (own.done, own.failed, own.skipped, own.audio_s, own.speech_s) == figures
    assert elsewhere.here == WorkDone(), "another worker did it"


def test_what_is_said_of_a_call() -> None:
    tally = Tally()
    tally.take(found("a.wav"), DONE)
    assert tally.statuses == [
        {
            "source_uri": "file:///calls/a.wav",
            "file_name": "a.wav",
            "call_id": "id",
            "status": "done",
            "detail": "clipped",
        }
    ]


def test_who_served_calls_of_other_workers_is_counted_with_them() -> None:
    tally = Tally()
    for _ in range(2):
        tally.take_elsewhere(found("a.wav"), DONE)
    tally.take_elsewhere(found("b.wav"), FAILED)
    assert tally.by_engine == {"first": 2}
    assert tally.services == {"small": ServiceUse(4, 2, "503")}


def step(provider: str | None = None, cost_usd: float | None = None, **services: str | None) -> StepResult:
    return StepResult(
        step="topic", fingerprint="f", state=StepState.DONE, payload=None, provider=provider, cost_usd=cost_usd,
        services=services,
    )  # fmt: skip


def test_what_language_models_cost_is_summed_by_model() -> None:
    tally = Tally()
    tally.asked([step("small", 0.25, small=None), step("large", 1.0, small="503", large=None), step("free", 0.0)])
    tally.asked([step("small", 0.5, small=None), step(None, 7.0), step("free")])
    assert tally.here.cost_usd == {"small": 0.75, "large": 1.0}
    served = {"small": ServiceUse(3, 2, "503"), "large": ServiceUse(1, 1)}
    assert tally.services == served
    assert tally.here.services == served


def test_the_last_reason_stays_and_no_name_is_lost() -> None:
    used = services_of([step(a="first"), step(a="second"), step(a=None), step(b=None)])
    assert used == {"a": ServiceUse(3, 1, "second"), "b": ServiceUse(1, 1)}
    assert joined(used, {"a": ServiceUse(1, 0, "third"), "c": ServiceUse(1, 1)}) == {
        "a": ServiceUse(4, 1, "third"),
        "b": ServiceUse(1, 1),
        "c": ServiceUse(1, 1),
    }
