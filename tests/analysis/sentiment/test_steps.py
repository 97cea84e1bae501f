"""The three steps: values where there are any, else the reason."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.records import CallSentiment, Sentiment, SentimentLabel
from analysis.sentiment.fusion import build_fusion
from analysis.sentiment.lexicon import compound_to_sentiment
from analysis.sentiment.steps import AcousticSentimentStep, FusionStep, TextSentimentStep, build_sentiment_steps
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.records import CallForAnalysis, Role, StepResult, StepState
from tests.analysis.sentiment.conftest import MakeCall

LEXICON = SentimentSettings.model_validate({"text": {"engine": "lexicon"}})
A, C = Role.AGENT, Role.CLIENT


def _text(call: CallForAnalysis, settings: SentimentSettings = LEXICON) -> StepResult:
    return TextSentimentStep(settings).run([call], [{}])[0]


@given(st.floats(-1, 1), st.floats(0.01, 0.5), st.floats(0.5, 50))
def test_the_compound_mapping_is_a_distribution_with_the_published_thresholds(c: float, t: float, k: float) -> None:
    sentiment = compound_to_sentiment(c, t, k)
    assert math.isclose(sentiment.negative + sentiment.neutral + sentiment.positive, 1.0, abs_tol=1e-9)
    if abs(abs(c) - t) > 1e-6:
        expected = SentimentLabel.POSITIVE if c > t else SentimentLabel.NEGATIVE if c < -t else SentimentLabel.NEUTRAL
        assert sentiment.label is expected


def test_words_are_scored_per_chunk_and_weighted_by_speech_duration(make_call: MakeCall) -> None:
    call = make_call(
        [
            (C, 0, 9, "This is terrible, awful service, I am very angry."),
            (A, 9, 12, "I am so happy to help you, thank you."),
            (C, 12, 13, "Great, thanks."),
        ]
    )
    result = _text(call)
    assert result.state is StepState.DONE
    assert isinstance(result.payload, CallSentiment)
    labels = {one.role: one.sentiment.label for one in result.payload.roles if one.sentiment}
    assert labels == {C: SentimentLabel.NEGATIVE, A: SentimentLabel.POSITIVE}
    assert [one.lowest_at_s for one in result.payload.roles if one.role is C] == [0]


@pytest.mark.parametrize(
    ("text", "language", "metadata_language", "reason"),
    [
        ("Das ist schrecklich", "de", None, "language de: lexicon knows en only"),
        ("c'est affreux", None, "fr-CA", "language fr: lexicon knows en only"),
        ("", "en", None, "no words"),
        ("…", "en", None, "too few words"),
    ],
)
def test_what_it_cannot_judge_is_missing_with_the_reason(
    make_call: MakeCall, text: str, language: str | None, metadata_language: str | None, reason: str
) -> None:
    result = _text(make_call([(C, 0, 1, text)], language=language, metadata_language=metadata_language))
    assert (result.state, result.payload, result.reason) == (StepState.MISSING, None, reason)


def test_a_call_without_words_is_missing(make_call: MakeCall) -> None:
    for step in build_sentiment_steps(LEXICON):
        (result,) = step.run([make_call([])], [{}])
        assert result.state is StepState.MISSING
        assert result.reason


def test_switched_off_says_so(make_call: MakeCall) -> None:
    off = SentimentSettings.model_validate(
        {"text": {"engine": "off"}, "acoustic": {"engine": "off"}, "fusion": {"method": "off"}}
    )
    for step in build_sentiment_steps(off):
        (result,) = step.run([make_call([(C, 0, 1, "great")])], [{}])
        assert result.state is StepState.MISSING
        assert "switched off" in (result.reason or "")


class Voice:
    """An acoustic engine with fixed answers."""

    model = "fake"

    def __init__(self, answers: Sequence[tuple[Sentiment | None, str | None]]) -> None:
        self._answers = list(answers)
        self.closed = False

    def identity(self) -> str:
        return "fake"

    def channel(
        self, samples: object, spans: Sequence[tuple[float, float]], role: Role
    ) -> list[tuple[Sentiment | None, str | None]]:
        return [self._answers.pop(0) for _ in spans]

    def close(self) -> None:
        self.closed = True


def test_steps_close_their_engines() -> None:
    settings = SentimentSettings.model_validate({"text": {"engine": "lexicon"}})
    voices = Voice([]), Voice([]), Voice([])
    for step in (
        TextSentimentStep(settings, {Role.AGENT: voices[0], Role.CLIENT: voices[1]}),  # type: ignore[dict-item]
        AcousticSentimentStep(settings, voices[2]),
    ):
        step.close()
    assert [voice.closed for voice in voices] == [True, True, True]
    AcousticSentimentStep(SentimentSettings.model_validate({"acoustic": {"engine": "off"}})).close()


def _result(payload: CallSentiment | None, step: str) -> StepResult:
    state = StepState.DONE if payload else StepState.MISSING
    return StepResult(step=step, fingerprint="f", state=state, payload=payload, reason=None if payload else "gone")


def _fuse(call: CallForAnalysis, text: StepResult, acoustic: StepResult, weight: float = 0.5) -> StepResult:
    settings = SentimentSettings.model_validate(
        {"text": {"engine": "lexicon"}, "fusion": {"client_text_weight": weight}}
    )
    text_step, acoustic_step = TextSentimentStep(settings), AcousticSentimentStep(settings, Voice([]))
    step = FusionStep(settings, text_step, acoustic_step)
    return step.run([call], [{"text": text, "acoustic": acoustic}])[0]


def test_fusion_weighs_and_says_when_one_side_stands_alone(make_call: MakeCall) -> None:
    from analysis.records import ChunkSentiment

    call = make_call([(C, 0, 2, "great"), (C, 3, 4, "awful")])
    positive, negative = Sentiment(0.1, 0.2, 0.7), Sentiment(0.9, 0.05, 0.05)
    text = CallSentiment(
        roles=(),
        chunks=(
            ChunkSentiment(channel=0, ordinal=0, sentiment=positive),
            ChunkSentiment(channel=0, ordinal=1, sentiment=negative),
        ),
    )
    voice = CallSentiment(
        roles=(),
        chunks=(
            ChunkSentiment(channel=0, ordinal=0, sentiment=negative),
            ChunkSentiment(channel=0, ordinal=1, sentiment=None, reason="silence"),
        ),
    )
    fused = _fuse(call, _result(text, "text"), _result(voice, "acoustic"))
    assert isinstance(fused.payload, CallSentiment)
    first, second = fused.payload.chunks
    assert first.sentiment is not None
    assert first.sentiment.negative == pytest.approx(0.5)
    assert second.sentiment == negative
    assert second.reason == "words alone; voice: silence"
    assert fused.reason == "client: words alone in 1 of 2 chunks"
    alone = _fuse(call, _result(None, "text"), _result(voice, "acoustic"))
    assert isinstance(alone.payload, CallSentiment)
    assert alone.payload.chunks[0].sentiment == negative
    neither = _fuse(call, _result(None, "text"), _result(None, "acoustic"))
    assert neither.state is StepState.MISSING
    assert "neither side" in (neither.reason or "")


@pytest.mark.parametrize(("role", "negative"), [(A, 0.1), (C, 0.9), (Role.UNKNOWN, 0.9)])
def test_an_unknown_speaker_is_weighed_as_a_client(role: Role, negative: float) -> None:
    settings = SentimentSettings.model_validate({"fusion": {"agent_text_weight": 1.0, "client_text_weight": 0.0}})
    fusion = build_fusion(settings)
    assert fusion is not None
    joined = fusion.join(Sentiment(0.1, 0.2, 0.7), Sentiment(0.9, 0.05, 0.05), role)
    assert joined.negative == pytest.approx(negative)


def test_fingerprints_follow_what_a_step_reads(make_call: MakeCall) -> None:
    call = make_call([(C, 0, 1, "great")])
    before = {step.name: step.fingerprint(call) for step in build_sentiment_steps(LEXICON)}
    other = SentimentSettings.model_validate({"text": {"engine": "lexicon", "lexicon": {"steepness": 3}}})
    after = {step.name: step.fingerprint(call) for step in build_sentiment_steps(other)}
    assert before["text"] != after["text"]
    assert before["acoustic"] == after["acoustic"]
    assert before["fusion"] != after["fusion"]


def test_acoustic_without_audio_is_failed_so_that_a_later_run_fills_it_in(make_call: MakeCall) -> None:
    step = AcousticSentimentStep(LEXICON, Voice([]))
    (result,) = step.run([make_call([(C, 0, 1, "great")])], [{}])
    assert result.state is StepState.FAILED
    assert "not at hand" in (result.reason or "")
