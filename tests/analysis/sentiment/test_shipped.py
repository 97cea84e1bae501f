"""The models that come with Earshot load, answer, and refuse what they cannot judge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.records import CallSentiment, SentimentLabel
from analysis.sentiment.acoustic import build_acoustic
from analysis.sentiment.shipped_models import FOLDER
from analysis.sentiment.steps import build_sentiment_steps
from analysis.sentiment.text_trained import TrainedTextSentiment
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.records import ChannelAudio, Role, StepResult, StepState
from tests.analysis.sentiment.conftest import MakeCall
from tests.analysis.sentiment.test_features import voice

A, C = "agent", "client"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I have been waiting for three weeks and nobody called me back.", SentimentLabel.NEGATIVE),
        ("My order never arrived and your website is down again.", SentimentLabel.NEGATIVE),
        ("What time do you open on Saturday?", SentimentLabel.NEUTRAL),
        ("My account number is five five one two.", SentimentLabel.NEUTRAL),
        ("That's wonderful, thank you so much for your help!", SentimentLabel.POSITIVE),
    ],
)
def test_the_text_model_knows_service_talk(text: str, label: SentimentLabel) -> None:
    assert TrainedTextSentiment("shipped").predict([text])[0].label is label


def test_the_voice_models_answer_and_refuse() -> None:
    engine = build_acoustic(SentimentSettings())
    assert engine is not None
    samples = np.repeat(voice(200, 3.0), 2)
    spans = [(0.0, 1.5), (1.5, 3.0), (1.0, 1.05), (50.0, 60.0)]
    for role in (Role.AGENT, Role.CLIENT, Role.UNKNOWN):
        heard = engine.channel(samples, spans, role)
        assert [sentiment is not None for sentiment, _ in heard] == [True, True, False, False]
        assert heard[2][1] == heard[3][1] == "shorter than 400 ms"
    assert engine.channel(samples * 0, [(0.0, 2.0)], Role.CLIENT) == [(None, "silence")]
    broken = samples.copy()
    broken[100:2000] = np.nan
    assert len(engine.channel(broken, [(0.0, 3.0)], Role.CLIENT)) == 1


def test_an_unknown_speaker_is_heard_by_the_clients_model() -> None:
    engine = build_acoustic(SentimentSettings())
    assert engine is not None
    models = {name: json.loads((FOLDER / f"acoustic_{name}/card.json").read_text())["model_sha256"] for name in (A, C)}
    assert [f"{role}={models[name]}" in engine.identity() for role, name in ((A, A), (C, C), ("unknown", C))] == [
        True
    ] * 3


def test_all_three_steps_over_a_call_with_audio(make_call: MakeCall, tmp_path: Path) -> None:
    spool = tmp_path / "0.f32"
    np.repeat(voice(180, 6.0), 2).astype("<f4").tofile(spool)
    audio = ChannelAudio(channel=0, role=Role.CLIENT, samples_path=spool, samples=6 * 16_000)
    call = make_call(
        [(Role.CLIENT, 0, 3, "My parcel never came."), (Role.CLIENT, 3, 3.05, "Oh."), (Role.CLIENT, 3.5, 6, "Thanks!")],
        audio=(audio,),
        duration_s=6.0,
    )
    results: dict[str, StepResult] = {}
    for step in build_sentiment_steps(SentimentSettings()):
        (results[step.name],) = step.run([call], [results])
    assert {name: result.state for name, result in results.items()} == dict.fromkeys(results, StepState.DONE)
    fused = results["fusion"].payload
    assert isinstance(fused, CallSentiment)
    assert fused.chunks[1].reason == "words alone; voice: shorter than 400 ms"
    gone = make_call(
        [(Role.CLIENT, 0, 3, "Hm")],
        audio=(ChannelAudio(channel=0, role=Role.CLIENT, samples_path=tmp_path / "gone.f32", samples=9),),
    )
    (failed,) = build_sentiment_steps(SentimentSettings())[1].run([gone], [{}])
    assert failed.state is StepState.FAILED


def test_the_cards_are_honest() -> None:
    for name in ("acoustic_client", "acoustic_agent", "text"):
        card = json.loads((FOLDER / name / "card.json").read_text(encoding="utf-8"))
        assert card["limits"]
        assert card["data"]["licence"] != "not stated"
        assert card["figures"]["recall"]["low"] <= card["figures"]["recall"]["value"]
    voice_card = (FOLDER / "acoustic_client" / "card.md").read_text(encoding="utf-8")
    assert "acted German" in voice_card
