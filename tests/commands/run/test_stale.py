"""What a run says, before it begins, of stored transcripts that it is going to make again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands.run.stale import stale_notice
from db.queries.runs import RunSpeed
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.run.planning.plan import Action, Plan, PlannedCall
from pipeline.transcription.engines.expected import expected_name
from tests.pipeline.run.planning.test_decisions import FOUND, known

SETTINGS = TranscriptionSettings(engines=("faster_whisper",))
RAN = RunSpeed(
    engine="faster_whisper",
    model=expected_name(SETTINGS, "faster_whisper").model,
    passed_over=(),
    audio_s=1200.0,
    wall_s=60.0,
)
STALE = PlannedCall(found=FOUND, action=Action.TRANSCRIBE, known=known(duration_s=1800.0))


def test_how_many_there_are_how_long_they_take_and_how_to_leave_them() -> None:
    plan = Plan(to_do=[STALE, STALE, replace(STALE, action=Action.NEW, known=None)])
    told = stale_notice(plan, SETTINGS, lambda: [RAN, RAN])
    assert told is not None
    assert told.startswith("2 stored transcripts (60 minutes of audio) will be made again")
    assert "about 3 minutes at the last runs' 20.0 × real time" in told
    assert told.endswith("--set run.stale_transcripts=keep")


def test_without_a_run_of_this_recogniser_no_time_is_made_up() -> None:
    other = replace(RAN, model="another/model")
    told = stale_notice(Plan(to_do=[STALE]), SETTINGS, lambda: [other])
    assert told is not None
    assert "1 stored transcript (30 minutes of audio) will be made again" in told
    assert "no run yet to tell from how long that takes" in told
    assert "real time" not in told


@pytest.mark.parametrize(
    "call",
    [replace(STALE, action=Action.NEW, known=None), replace(STALE, action=Action.ANALYSE), replace(STALE, forced=True)],
    ids=["a new recording", "an analysis", "asked for"],
)
def test_nothing_is_said_where_none_is_stale(call: PlannedCall) -> None:
    assert stale_notice(Plan(to_do=[call]), SETTINGS, lambda: [RAN]) is None
