"""Speech found while it comes in is the speech found in the whole recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.segments import Interval, find_speech
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.live.endpoints import SpeechFinder

STEP = 512
SETTINGS = VoiceActivitySettings(min_silence_ms=100, min_speech_ms=60)


def found(portions: list[list[float]], total: int | None = None) -> list[Interval]:
    finder = SpeechFinder(STEP, SETTINGS)
    ended = [one for scores in portions for one in finder.push(np.array(scores, dtype=np.float32))]
    return ended + finder.finish(STEP * sum(map(len, portions)) if total is None else total)


@given(st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.34, 0.4, 0.5, 0.9]), max_size=12), max_size=12))
def test_in_whatever_portions_the_scores_come(portions: list[list[float]]) -> None:
    scores = np.array([score for portion in portions for score in portion], dtype=np.float32)
    assert found(portions) == find_speech(scores, STEP, STEP * len(scores), SETTINGS)


def test_speech_that_was_cut_begins_at_the_cut() -> None:
    finder = SpeechFinder(STEP, SETTINGS)
    finder.push(np.full(40, 0.9, dtype=np.float32))
    finder.cut(20 * STEP)
    assert finder.began == 20 * STEP
    assert finder.finish(40 * STEP) == [Interval(20 * STEP, 40 * STEP)]


def test_a_cut_in_silence_begins_nothing() -> None:
    finder = SpeechFinder(STEP, SETTINGS)
    finder.push(np.zeros(4, dtype=np.float32))
    finder.cut(STEP)
    assert finder.began is None


def test_it_tells_where_speech_would_end_now() -> None:
    finder = SpeechFinder(STEP, SETTINGS)
    finder.push(np.array([0.9] * 4 + [0.1], dtype=np.float32))
    assert (finder.is_speech, finder.speaking_until, finder.heard) == (True, 4 * STEP, 5 * STEP)


@pytest.mark.parametrize(
    ("settings", "scores", "is_speech", "ended"),
    [
        ({"min_speech_ms": 64}, [], False, []),
        ({"min_speech_ms": 64}, [0.9], False, []),
        ({"min_speech_ms": 64}, [0.9, 0.9], True, [Interval(0, 2 * STEP)]),
        ({"min_speech_ms": 0}, [0.9], True, [Interval(0, STEP)]),
        ({"min_speech_ms": 64}, [0.0, 0.0], False, []),
    ],
    ids=["nothing", "a click", "the shortest speech", "no least length", "silence"],
)
def test_speech_counts_from_its_least_length_on(
    settings: dict[str, float], scores: list[float], is_speech: bool, ended: list[Interval]
) -> None:
    """A score is for 32 ms."""
    finder = SpeechFinder(STEP, SETTINGS.model_copy(update=settings))
    finder.push(np.array(scores, dtype=np.float32))
    assert finder.is_speech is is_speech
    assert finder.finish(len(scores) * STEP) == ended
