"""Word times: none in silence, none of zero length, all inside their segment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.areas.speech.mlx_qwen3 import MlxQwen3Options
from pipeline.errors import ModelUnavailable
from pipeline.transcription.engines.mlx_qwen3.engine import build
from pipeline.transcription.engines.mlx_qwen3.word_times import load_aligner, place, sounding
from tests.pipeline.transcription.engines.mlx_qwen3.harness import request
from tests.pipeline.transcription.engines.mlx_qwen3.tiny import save_checkpoint, speech_like


@dataclass(frozen=True)
class Said:
    text: str
    start_time: float
    end_time: float


def sound_of(*stretches: tuple[float, float], seconds: float = 3.0) -> np.ndarray:
    sound = np.zeros(round(seconds * 100), bool)
    for start, end in stretches:
        sound[round(start * 100) : round(end * 100)] = True
    return sound


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param([(1.1, 1.3), (1.3, 1.8)], [(1.1, 1.3), (1.3, 1.8)], id="good ones stay"),
        pytest.param([(0.2, 0.6), (1.3, 1.8)], [(1.0, 1.02), (1.3, 1.8)], id="moved out of silence"),
        pytest.param([(1.2, 1.2), (1.2, 1.2)], [(1.18, 1.2), (1.2, 1.22)], id="zero length"),
        pytest.param([(1.5, 9.0), (9.0, 12.0)], [(2.0, 2.48), (2.48, 2.5)], id="behind the end"),
        pytest.param([(1.8, 2.3)], [(2.0, 2.3)], id="over a pause: the longer side"),
        pytest.param([(1.6, 1.7), (1.1, 1.2)], [(1.08, 1.1), (1.1, 1.2)], id="out of order"),
    ],
)
def test_places(said: list[tuple[float, float]], expected: list[tuple[float, float]]) -> None:
    words = place([Said(str(i), a, b) for i, (a, b) in enumerate(said)], "", sound_of((1.0, 1.9), (2.0, 2.5)), 20)
    assert words is not None
    assert [word.start_s for word in words] == pytest.approx([start_s for start_s, _ in expected])
    assert [word.end_s for word in words] == pytest.approx([end_s for _, end_s in expected])


@settings(max_examples=200, deadline=None)
@given(
    times=st.lists(st.tuples(st.floats(-5, 10), st.floats(-5, 10)), min_size=1, max_size=12),
    sound=st.lists(st.booleans(), min_size=1, max_size=120),
    least=st.integers(1, 60),
)
def test_rules_hold_whatever_the_aligner_says(times: list[tuple[float, float]], sound: list[bool], least: int) -> None:
    heard = np.array(sound)
    words = place([Said("w", a, b) for a, b in times], "", heard, least)
    if words is None:
        assert len(times) * -(-least // 10) > heard.sum()
        return
    assert len(words) == len(times)
    last = 0.0
    for word in words:
        first, end = round(word.start_s * 100), round(word.end_s * 100)
        assert 0 <= first < end <= len(heard)
        assert heard[first:end].all()
        assert word.start_s >= last - 1e-9
        last = word.end_s


def test_words_are_spelled_as_in_the_text() -> None:
    words = place([Said("Hello", 1.0, 1.2), Said("you're", 1.2, 1.5)], "Hello, you're -", sound_of((1.0, 1.9)), 20)
    assert words is not None
    assert [word.text for word in words] == ["Hello,", "you're"]


def test_silence_is_told_by_level() -> None:
    samples = np.concatenate([np.zeros(8000), 0.1 * np.ones(8000), 1e-5 * np.ones(8000)]).astype(np.float32)
    assert np.flatnonzero(sounding(samples, 45.0)).tolist() == list(range(50, 100))
    assert not sounding(np.zeros(16_000, np.float32), 45.0).any()


def test_engine_with_a_real_aligner(tmp_path: Path, aligner_checkpoint: Path) -> None:
    talkative = save_checkpoint(tmp_path / "talkative", end_bias=1.5)
    options = MlxQwen3Options(model=str(talkative), word_times=True, aligner_model=str(aligner_checkpoint))
    engine = build(options)
    engine.load()
    samples = np.concatenate([np.zeros(8000, np.float32), speech_like(1, 3.0), np.zeros(8000, np.float32)])
    results = list(engine.transcribe([request(str(i), samples[i * 500 :]) for i in range(3)]))
    assert len(results) == 3
    for result in results:
        assert (result.words is None) == ("word_times_missing" in result.flags)
        for word in result.words or ():
            assert 0 <= word.start_s < word.end_s <= len(samples) / 16_000
    assert any(result.words for result in results)


def test_an_aligner_that_is_none_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no usable forced aligner"):
        load_aligner(checkpoint, None, setting="aligner_model")
