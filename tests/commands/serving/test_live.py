"""What live calls tell of the analysis at their end, and what they show of personal data."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analysis.records import CallSentiment, RoleSentiment, Sentiment, Topic
from commands.serving.live import WordMoods, _shown, live_hearing, live_tasks, told_of
from pipeline.config.root import Settings
from pipeline.errors import ModelUnavailable
from pipeline.live.events import Analysis, TurnMood
from pipeline.records import CallMetadata, Role, StepResult, StepState, TranscriptChunk
from tests.db.samples import CROSS, GLAD, step

BILLING = step("topic", Topic(topic="Billing", subtopic="Refund", confidence=0.8))
ALONE = step("topic", Topic(topic="Billing", subtopic=None, subtopic_missing="no subtopic fits", confidence=0.8))


def without(name: str, reason: str | None) -> StepResult:
    return StepResult(step=name, fingerprint=f"{name}-1", state=StepState.MISSING, payload=None, reason=reason)


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([], Analysis()),
        ([BILLING], Analysis(topic="Billing", subtopic="Refund")),
        ([ALONE], Analysis(topic="Billing", missing={"subtopic": "no subtopic fits"})),
        ([without("topic", "nobody speaks")], Analysis(missing={"topic": "nobody speaks"})),
        ([without("summary", None)], Analysis(missing={"summary": "no value"})),
        ([without("voice", "no voice")], Analysis()),
    ],
    ids=["no step", "topic and subtopic", "no subtopic", "no topic", "no reason", "a step that is not told"],
)
def test_a_result_is_told_and_what_is_missing_with_its_reason(results: Sequence[StepResult], told: Analysis) -> None:
    assert told_of(results) == told


def moods_by(name: str, mood: Sentiment) -> StepResult:
    """The agent's; the client's is not known."""
    roles = (RoleSentiment(role=Role.AGENT, sentiment=mood), RoleSentiment(role=Role.CLIENT, sentiment=None))
    return step(name, CallSentiment(roles=roles, chunks=()))


def test_the_moods_are_those_of_both_ways_together_where_there_are_any() -> None:
    text, fusion = moods_by("text", GLAD), moods_by("fusion", CROSS)
    assert told_of([text]).moods == {"agent": "positive"}
    assert told_of([text, fusion]).moods == told_of([fusion, text]).moods == {"agent": "negative"}
    assert told_of([text, without("fusion", "no voice")]).moods == {"agent": "positive"}


SAID = TranscriptChunk(
    channel=0, ordinal=3, role=Role.CLIENT, start_s=1.0, end_s=4.0, text="my mail is ada@example.com", language="en"
)


def test_turns_are_shown_as_they_are_unless_stored_text_is_redacted() -> None:
    assert _shown(Settings()) is None
    shown = _shown(Settings.model_validate({"redaction": {"redact_stored": True}}))
    assert shown is not None
    turn = shown(SAID)
    assert turn.text == "my mail is [EMAIL_1]"
    assert (turn.ordinal, turn.role, turn.start_s, turn.end_s) == (3, Role.CLIENT, 1.0, 4.0)


def test_live_calls_need_the_detector_that_hears_as_it_comes() -> None:
    settings = Settings.model_validate({"voice_activity": {"detectors": ["energy"]}})
    with pytest.raises(ModelUnavailable, match=r"voice_activity\.detectors does not name"):
        live_hearing(settings)


def test_a_server_without_live_calls_has_no_task_for_them() -> None:
    assert live_tasks(None) == []


def test_a_turn_does_not_wait_for_what_moods_need() -> None:
    moods = WordMoods(Settings())
    try:
        mood = moods.mood_of([SAID], CallMetadata(language="en"))
    finally:
        moods.close()
    assert mood == TurnMood(label=None, reason="what moods need is still being loaded")
