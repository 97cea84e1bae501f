"""What ends a run with 5 although it did all it could."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from commands.report.attention import InputLimits, attention, offered, unusable
from pipeline.config.areas.run import RunSettings
from pipeline.records import CallFailure, CallMetadata, FoundCall, SkippedFile, StepResult, StepState
from pipeline.run.batch import BatchResult
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.run.reconcile import COUNTED, Reconciliation
from pipeline.run.tally import Tally

AT = datetime(2026, 9, 14, tzinfo=UTC)


def found(name: str) -> FoundCall:
    return FoundCall(
        source_uri=f"file:///calls/{name}",
        file_name=name,
        size_bytes=1,
        modified_at=AT,
        etag=None,
        metadata=CallMetadata(),
    )


def skipped(name: str, reason: str) -> SkippedFile:
    return SkippedFile(
        source_uri=f"file:///calls/{name}", file_name=name, size_bytes=1, modified_at=AT, reason=reason, message=reason
    )


def failure(name: str, transient: bool) -> CallFailure:
    return CallFailure(
        found=found(name), run_id="r", stage="prepare", error_type="AudioUndecodable", message="noise",
        transient=transient,
    )  # fmt: skip


def result_of(plan: Plan, tally: Tally | None = None) -> BatchResult:
    return BatchResult(
        plan=plan,
        tally=tally or Tally(),
        identity=None,
        interrupted=None,
        recogniser_busy_s=0.0,
        recogniser_span_s=0.0,
        recogniser_restarts=0,
        wall_s=1.0,
        reconciliation=Reconciliation(counts=dict.fromkeys(("found", *COUNTED), 0)),
    )


def night(good: int = 0, by_reason: dict[str, int] | None = None, before: int = 0, quarantined: int = 0) -> BatchResult:
    """A night with so many good calls, skipped files, and calls known as skipped or quarantined."""
    plan = Plan()
    groups = ((good, Action.NEW), (before, Action.SKIPPED), (quarantined, Action.QUARANTINED))
    for number, action in groups:
        for place in range(number):
            plan.uris.add(f"{action}{place}")
            plan.add(PlannedCall(found=found(f"{action}{place}.wav"), action=action))
    for reason, number in (by_reason or {}).items():
        plan.skipped += [skipped(f"{reason}{place}", reason) for place in range(number)]
    return result_of(plan)


@pytest.mark.parametrize(
    ("night", "limits", "known", "said"),
    [
        (night(good=3), {}, 0, None),
        (night(), {}, 0, None),
        (night(), {}, 500, "earlier runs found 500 recordings here"),
        (night(), {}, 1, "earlier runs found 1 recording here"),
        (night(good=1), {}, 499, None),
        (night(), {"min_calls": 0}, 500, None),
        (night(good=399), {"min_calls": 400}, 0, "399 recordings offered; run.min_expected_calls is 400"),
        (night(good=400), {"min_calls": 400}, 0, None),
        (night(by_reason={"other_type": 9}), {}, 0, "no recording among 9 files found"),
        (night(by_reason={"bad_archive": 1}), {}, 0, "no recording among 1 file found"),
        (night(by_reason={"excluded": 9}, good=1), {"max_skipped_share": 0.5}, 0, None),
        (night(by_reason={"other_type": 9}, good=1), {"max_skipped_share": 0.5}, 0, None),
        (night(by_reason={"empty": 9}), {"max_skipped_share": 0.5}, 0, "9 of 9 recordings offered cannot be used"),
        (night(before=9), {"max_skipped_share": 0.5}, 0, "9 of 9 recordings offered cannot be used (9 skipped before)"),
        (night(quarantined=2, good=1), {"max_skipped_share": 0.5}, 0, "2 of 3 recordings offered cannot be used"),
        (night(by_reason={"empty": 5}, good=5), {"max_skipped_share": 0.5}, 0, None),
        (night(by_reason={"empty": 6}, good=5), {"max_skipped_share": 0.5}, 0, "(6 empty)"),
        (night(by_reason={"empty": 1}, good=99), {"max_skipped_share": 0.0}, 0, "1 of 100 recordings"),
        (night(by_reason={"empty": 9}), {"max_skipped_share": 1.0}, 0, None),
    ],
)  # fmt: skip
def test_too_few_recordings_or_too_many_that_cannot_be_used(
    night: BatchResult, limits: dict[str, float], known: int, said: str | None
) -> None:
    lines = attention(night, InputLimits(**limits), known)  # type: ignore[arg-type]
    assert len(lines) == (said is not None)
    assert said is None or said in lines[0]


def test_a_recording_the_run_itself_found_unusable_counts_and_a_passing_failure_does_not() -> None:
    plan = Plan(uris={"a", "b", "c"})
    tally = Tally(skipped_files=[skipped("a.wav", "not_audio")], failures=[failure("b.wav", False), failure("c", True)])
    result = result_of(plan, tally)
    assert offered(result) == 3
    assert [(one.file_name, one.reason) for one in unusable(result)] == [
        ("a.wav", "not_audio"),
        ("b.wav", "AudioUndecodable"),
    ]


@pytest.mark.parametrize(
    ("overrides", "min_calls", "share"),
    [
        ((), 400, 0.2),
        (("run.limit=3",), 400, 0.2),
        (('input.path="/one.wav"',), 0, 1.0),
        (('input.path="/one.wav"', "run.min_expected_calls=400"), 400, 1.0),
        (("run.max_skipped_share=0.2", "input.path=/x"), 0, 0.2),
    ],
)
def test_an_input_named_by_hand_is_held_only_to_limits_named_by_hand(
    overrides: tuple[str, ...], min_calls: int, share: float
) -> None:
    limits = InputLimits.of(RunSettings(min_expected_calls=400, max_skipped_share=0.2), overrides)
    assert limits == InputLimits(min_calls=min_calls, max_skipped_share=share)


def step(**services: str | None) -> StepResult:
    return StepResult(step="summary", fingerprint="f", state=StepState.DONE, payload=None, services=services)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], []),
        ([step()], []),
        ([step(chat="no connection")], ["language model chat: asked 1 time, it never answered; last: no connection"]),
        ([step(chat="503"), step(chat="401")], ["language model chat: asked 2 times, it never answered; last: 401"]),
        ([step(chat="503"), step(chat=None)], []),
        ([step(chat="503", local=None)], ["language model chat: asked 1 time, it never answered; last: 503"]),
    ],
)
def test_a_language_model_that_never_answered_needs_a_look(steps: list[StepResult], said: list[str]) -> None:
    tally = Tally()
    tally.asked(steps)
    assert attention(result_of(Plan(uris={"a"}), tally), InputLimits(), 0) == said
