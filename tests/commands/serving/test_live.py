"""What live calls tell of the analysis at their end, and what they show of personal data."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from analysis.records import CallSentiment, ChunkSentiment, RoleSentiment, Sentiment, Topic
from commands.serving.live import CallAnalysis, WordMoods, _shown, live_hearing, live_tasks, told_of
from pipeline.children.worker import Worker
from pipeline.config.root import Settings
from pipeline.errors import EarshotError, ModelUnavailable, StageTimeout
from pipeline.live.events import Analysis, TurnMood
from pipeline.records import CallMetadata, Role, StepResult, StepState, TranscriptChunk
from pipeline.run.processes.analyser import AnalyseAnswer, AnalyseTask
from tests.analysis.calls import call as made_call
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


class FakeWorker(Worker):
    """Answers one after the other, without a process."""

    def __init__(self, *answers: StepResult | EarshotError) -> None:
        self.answers, self.asked, self.closed = list(answers), list[tuple[AnalyseTask, float]](), False

    def call(self, task: Any, time_limit_s: float) -> Any:
        self.asked.append((task, time_limit_s))
        answer = self.answers.pop(0)
        if isinstance(answer, EarshotError):
            raise answer
        return AnalyseAnswer(results=((answer,),), timings_s={})

    def close(self) -> None:
        self.closed = True


ENGLISH = CallMetadata(language="en")
LOADING = "what moods need is still being loaded"


def said(sentiment: Sentiment | None, reason: str | None = None) -> StepResult:
    before = ChunkSentiment(channel=0, ordinal=2, sentiment=GLAD)
    chunk = ChunkSentiment(channel=0, ordinal=3, sentiment=sentiment, reason=reason)
    return step("text", CallSentiment(roles=(), chunks=(before, chunk)))


CROSS_SHARES = dict(zip(("negative", "neutral", "positive"), CROSS.shares, strict=True))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (said(CROSS), TurnMood(label="negative", probabilities=CROSS_SHARES)),
        (said(None, "too few words"), TurnMood(label=None, reason="too few words")),
        (without("text", "switched off"), TurnMood(label=None, reason="switched off")),
    ],
)
def test_the_mood_of_a_turn_is_that_of_its_last_chunk(answer: StepResult, told: TurnMood) -> None:
    worker = FakeWorker(said(GLAD), answer)
    moods = WordMoods(worker)
    moods.warm()
    moods.warm()  # nothing is loaded twice
    assert moods.mood_of([SAID], ENGLISH) == told
    (_, warming_s), (task, limit_s) = worker.asked
    (asked,) = task.calls
    assert (asked.call.transcript.chunks, asked.call.metadata, asked.call.duration_s) == ((SAID,), ENGLISH, 4.0)
    assert (warming_s, limit_s) == (300.0, 3.0)
    moods.close()
    assert worker.closed


def test_a_turn_does_not_wait_for_what_moods_need(caplog: pytest.LogCaptureFixture) -> None:
    worker = FakeWorker(StageTimeout("no answer"))
    moods = WordMoods(worker)
    moods.warm()
    assert "live calls: no moods yet: " in caplog.text
    assert moods.mood_of([SAID], ENGLISH) == TurnMood(label=None, reason=LOADING)
    assert len(worker.asked) == 1


def test_moods_that_break_are_loaded_again_while_turns_go_on() -> None:
    worker = FakeWorker(said(GLAD), StageTimeout("no answer"), said(GLAD), said(CROSS))
    moods = WordMoods(worker)
    moods.warm()
    assert "no answer" in str(moods.mood_of([SAID], ENGLISH).reason)
    for thread in threading.enumerate():
        if thread.name == "live moods again":
            thread.join()
    assert moods.mood_of([SAID], ENGLISH).label == "negative"


def test_a_call_whose_analysis_breaks_says_so() -> None:
    worker = FakeWorker(BILLING, StageTimeout("no answer within 9 s"))
    analysis = CallAnalysis(worker, 9.0)
    call = made_call(("client", "my card was charged twice"))
    assert analysis(call) == Analysis(topic="Billing", subtopic="Refund")
    assert "no answer within 9 s" in analysis(call).missing["analysis"]
    (task, limit_s), _ = worker.asked
    assert (task.calls[0].call, task.calls[0].wanted, limit_s) == (call, None, 9.0)
    analysis.close()
    assert worker.closed
