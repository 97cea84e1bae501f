"""What the account of a run is told of a call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.handled import (
    Handled,
    HandledAs,
    ServiceUse,
    handled_call,
    handled_failure,
    handled_skipped,
)
from pipeline.records import CallFailure, CallOutcome, CallStatus, Claim
from tests.db.samples import found, identity, outcome, prepared, step, transcript
from tests.pipeline.run.stages.test_recognise import channel
from tests.pipeline.run.test_reconcile import skipped

CLAIM = Claim(claim_id=1, run_id="run", fence=1, call={})
AUDIO = replace(prepared(flags=("clipped", "agc")), channels=(channel(0, 1), replace(channel(1, 1), speech_s=2.2)))
WHOLE = replace(
    outcome("id", "run", audio=AUDIO, words=transcript(who=identity(engine="first")), steps=()),
    timings_s={"decode": 0.5, "recognise": 2.0},
)
TOLD = Handled(
    handled_as=HandledAs.DONE, status=CallStatus.DONE, call_id="id", detail="agc, clipped", audio_s=12.0, speech_s=3.0,
    transcribed_by="first",
)  # fmt: skip


@pytest.mark.parametrize(
    ("call", "changed", "expected"),
    [
        pytest.param(WHOLE, True, TOLD, id="all of it was made now"),
        pytest.param(
            replace(WHOLE, timings_s={"decode": 0.5}), True, replace(TOLD, transcribed_by=None), id="stored words"
        ),
        pytest.param(replace(WHOLE, transcript=None), True, replace(TOLD, transcribed_by=None), id="no words"),
        pytest.param(
            replace(WHOLE, prepared=None),
            True,
            replace(TOLD, detail=None, audio_s=0.0, speech_s=0.0),
            id="analysis alone",
        ),
        pytest.param(
            replace(WHOLE, prepared=replace(AUDIO, flags=())), True, replace(TOLD, detail=None), id="without flags"
        ),
        pytest.param(
            WHOLE,
            False,
            replace(TOLD, handled_as=HandledAs.KEPT, audio_s=0.0, speech_s=0.0),
            id="better rows are there",
        ),
        pytest.param(
            replace(WHOLE, steps=(step("topic", None, services={"small": None}),)),
            True,
            replace(TOLD, services={"small": ServiceUse(1, 1)}),
            id="a model was asked",
        ),
    ],
)
def test_a_finished_call(call: CallOutcome, changed: bool, expected: Handled) -> None:
    assert handled_call(call, changed=changed) == expected


@pytest.mark.parametrize(("quarantined", "status"), [(True, CallStatus.QUARANTINED), (False, CallStatus.FAILED)])
def test_a_call_that_failed_names_no_claim(quarantined: bool, status: CallStatus) -> None:
    failure = CallFailure(
        found=found(), run_id="run", stage="prepare", error_type="Odd", message="why", transient=True, claim=CLAIM
    )
    assert handled_failure(failure, quarantined=quarantined) == Handled(
        handled_as=HandledAs.FAILED, status=status, detail="Odd: why", failure=replace(failure, claim=None)
    )


def test_a_file_that_was_skipped() -> None:
    assert handled_skipped(skipped("c.wav")) == Handled(
        handled_as=HandledAs.SKIPPED, status=CallStatus.SKIPPED, skipped=skipped("c.wav")
    )
