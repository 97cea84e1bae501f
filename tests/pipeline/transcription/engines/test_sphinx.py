"""The real decoder with the weights of its wheel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import soxr

from pipeline.config.areas.speech.recognisers import SphinxOptions
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engine import Samples
from pipeline.transcription.engines.sphinx import SphinxTranscriber
from tests.pipeline.transcription.fakes import babble, hiss, request, silence
from tests.word_errors import word_errors


@pytest.fixture(scope="module")
def engine() -> SphinxTranscriber:
    engine = SphinxTranscriber(SphinxOptions())
    engine.load()
    return engine


def _clips(data: Path, count: int) -> list[tuple[str, Samples, str]]:
    folder = data / "speech" / "read_english"
    clips = []
    for name, text in list(json.loads((folder / "refs.json").read_text()).items())[:count]:
        audio, rate = soundfile.read(folder / name, dtype="float32", always_2d=True)
        clips.append((name, soxr.resample(audio[:, 0], rate, SAMPLE_RATE_HZ).astype(np.float32), text))
    return clips


def test_it_says_what_it_is() -> None:
    described = SphinxTranscriber(SphinxOptions()).load()
    assert described.demonstration
    assert described.languages == frozenset({"en"})
    assert described.revision


@pytest.mark.data
def test_the_same_words_in_any_order_with_times_inside(engine: SphinxTranscriber, reference_data: Path) -> None:
    clips = _clips(reference_data, 2)
    requests = [request(samples, name) for name, samples, _ in clips]
    forth = {one.key: one for one in engine.transcribe(requests)}
    back = {one.key: one for one in engine.transcribe(requests[::-1])}
    assert forth == back
    for name, samples, _ in clips:
        words = forth[name].words
        assert words
        assert forth[name].text == " ".join(word.text for word in words)
        assert all(0 <= word.start_s < word.end_s <= samples.size / SAMPLE_RATE_HZ for word in words)
        assert 0 < (forth[name].confidence or 0) <= 1
        assert not any(mark in forth[name].text for mark in "<>[]()")
    errors = word_errors([text for *_, text in clips], [forth[name].text for name, *_ in clips], "en")
    assert errors.rate is not None
    assert errors.rate < 0.5


def test_odd_segments(engine: SphinxTranscriber) -> None:
    results = {
        one.key: one
        for one in engine.transcribe(
            [
                request(babble(1), "french", language="fr"),
                request(silence(0), "none"),
                request(silence(2), "silence"),
                request(hiss(0.01), "tiny"),
                request(np.full(8000, 3.0, np.float32), "over full scale"),
            ]
        )
    }
    assert (results["none"].text, results["tiny"].text) == ("", "")
    assert results["french"].flags == ("language_unsupported",)
    assert results["french"].text == ""
    assert len(results) == 5


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"transcription\.sphinx\.model_dir"):
        SphinxTranscriber(SphinxOptions(model_dir=tmp_path)).load()
