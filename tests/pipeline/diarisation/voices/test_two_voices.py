"""Two voices or one, on vectors made up for the purpose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.areas.speech.diarisation import VoicesSettings
from pipeline.diarisation.voices.encoder import unit
from pipeline.diarisation.voices.two_voices import Evidence, Labels, divide, evidence, speakers
from pipeline.diarisation.voices.windows import STEP_S, Windows

LEAST = VoicesSettings().min_evidence
DIMENSIONS = 64


def talk(turns: list[tuple[int, int]], spread: float, seed: int = 1) -> tuple[Windows, Labels]:
    """(speaker, windows) of each turn, a segment for each; voices at right angles, `spread` the noise's length."""
    chance = np.random.default_rng(seed)
    truth = np.concatenate([np.full(count, who) for who, count in turns]).astype(np.int64)
    segment = np.concatenate([np.full(count, n) for n, (_, count) in enumerate(turns)]).astype(np.int64)
    centres = np.eye(DIMENSIONS)[:2][truth]
    noise = chance.normal(0, spread / DIMENSIONS**0.5, (truth.size, DIMENSIONS))
    moments = np.arange(truth.size) * STEP_S + segment * 0.5
    vectors = unit(np.abs(centres + noise).astype(np.float32))
    return Windows(moments, segment, vectors, np.zeros(truth.size)), truth


ALTERNATING = [(0, 8), (1, 5), (0, 12), (1, 9), (0, 4), (1, 15)]


def right(labels: Labels, truth: Labels) -> float:
    share = float((labels == truth).mean())
    return max(share, 1 - share)


@pytest.mark.parametrize("spread", [0.2, 0.8])
def test_two_voices_are_heard_and_given_their_windows(spread: float) -> None:
    windows, truth = talk(ALTERNATING, spread)
    voices = divide(windows.vectors)
    assert voices is not None
    assert evidence(windows, voices).total > LEAST
    assert right(speakers(windows, voices), truth) == 1.0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [20, 60, 200])
def test_one_voice_is_not_taken_for_two(seed: int, count: int) -> None:
    windows, _ = talk([(0, count // 4)] * 4, 0.8, seed)
    voices = divide(windows.vectors)
    assert voices is not None, "anything can be divided"
    assert evidence(windows, voices).total < LEAST


def test_a_long_call_is_divided_by_a_part_of_its_windows() -> None:
    windows, truth = talk(ALTERNATING * 60, 0.5)
    voices = divide(windows.vectors)
    assert voices is not None
    assert right(speakers(windows, voices), truth) == 1.0


def test_a_word_of_the_other_is_not_a_change_of_speaker_but_a_sentence_is() -> None:
    windows, truth = talk([(0, 20), (1, 20)], 0.1)
    vectors = windows.vectors.copy()
    half = unit((vectors[5] + vectors[25])[None] * np.float32(1.0))[0]
    vectors[10] = half
    voices = divide(vectors)
    assert voices is not None
    assert right(speakers(replace(windows, vectors=vectors), voices), truth) == 1.0


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_can_be_divided(count: int) -> None:
    assert divide(np.ones((count, 4), np.float32)) is None


def test_equal_windows_are_one_voice() -> None:
    vectors = np.full((30, 4), 0.5, np.float32)
    voices = divide(vectors)
    same = Windows(np.linspace(0.0, 12.0, 30), np.zeros(30, np.int64), vectors, np.zeros(30))
    assert voices is None or evidence(same, voices) == Evidence()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 8)), min_size=1, max_size=8),
    st.floats(0, 3),
    st.integers(0, 9),
)
def test_every_window_has_a_speaker_and_the_same_input_the_same_answer(
    turns: list[tuple[int, int]], spread: float, seed: int
) -> None:
    windows, _ = talk(turns, spread, seed)
    voices = divide(windows.vectors)
    if voices is None:
        return
    found = evidence(windows, voices)
    assert np.isfinite(found.total)
    assert -1.5 <= found.persistence <= 1.5
    labels = speakers(windows, voices)
    assert labels.shape == windows.centre_s.shape
    assert set(labels.tolist()) <= {0, 1}
    again = divide(windows.vectors)
    assert again is not None
    np.testing.assert_array_equal(again, voices)
    assert evidence(windows, again) == found
