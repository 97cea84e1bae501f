"""Windows over speech segments, and where a change of speaker is put."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.diarisation.voices.diariser import of_nearest, turns
from pipeline.diarisation.voices.encoder import Floats
from pipeline.diarisation.voices.windows import STEP_S, Loudness, Windows, centres, encode
from pipeline.records import SpeechSegment


def segments(*spans: tuple[float, float, float]) -> list[SpeechSegment]:
    return [
        SpeechSegment(channel=0, ordinal=n, start_s=start, end_s=end, overlap_s=overlap)
        for n, (start, end, overlap) in enumerate(spans)
    ]


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 30)), min_size=1, max_size=6))
def test_every_moment_of_speech_has_a_window_near(spans: list[tuple[float, float]]) -> None:
    laid: list[tuple[float, float, float]] = []
    for pause, length in spans:
        start = (laid[-1][1] if laid else 0.0) + pause
        laid.append((start, start + length, 0.0))
    found, place = centres(segments(*laid))
    assert list(place) == sorted(place)
    assert (np.diff(found) > 0).all()
    for number, (start, end, _) in enumerate(laid):
        mine = found[place == number]
        edges = np.concatenate(([start], (mine[1:] + mine[:-1]) / 2, [end]))
        assert (np.diff(edges) <= STEP_S + 1e-6).all()


def test_what_a_segment_repeats_has_its_windows_before() -> None:
    found, place = centres(segments((0, 4, 0), (3, 5, 1)))
    assert [round(float(moment), 2) for moment in found[place == 1]] == [4.17, 4.5, 4.83]


@pytest.mark.parametrize(
    ("length_s", "moments"),
    [(0.1, [1.05]), (0.375, [1.1875]), (0.5, [1.125, 1.375]), (1.0, [1.17, 1.5, 1.83])],
)
def test_a_segment_has_as_few_windows_as_stand_close_enough(length_s: float, moments: list[float]) -> None:
    """At most 0.4 s apart, evenly."""
    found, place = centres(segments((1.0, 1.0 + length_s, 0)))
    assert found.tolist() == pytest.approx(moments, abs=0.005)
    assert place.tolist() == [0] * len(moments)


def loudness(start_s: float, length_s: float, quiet_s: float) -> Loudness:
    power: Floats = np.ones(round(length_s * 100), dtype=np.float32)
    at = round((quiet_s - start_s) * 100)
    power[at - 6 : at + 6] = 0.0
    return Loudness(start_s, power)


@pytest.mark.parametrize("quiet_s", [2.1, 2.2, 2.35])
def test_a_change_lies_in_the_quietest_moment_between_two_windows(quiet_s: float) -> None:
    spoken = segments((1.0, 3.0, 0.0), (4.0, 5.0, 0.0))
    centre_s, place = centres(spoken)
    labels = np.array([1, 1, 1, 0, 0, 0, 0, 1])
    windows = Windows(centre_s, place, np.zeros((8, 2), np.float32), np.zeros(8))
    found = turns(spoken, windows, labels, [loudness(1.0, 2.0, quiet_s), loudness(4.0, 1.0, 4.7)])
    assert [turn.speaker for turn in found] == [0, 1, 1, 0], "speakers are numbered as they come"
    assert found[0].start_s == 1.0
    assert found[0].end_s == found[1].start_s == pytest.approx(quiet_s, abs=0.03)
    assert found[1].end_s == 3.0
    assert (found[2].start_s, found[3].end_s) == (4.0, 5.0)
    assert all(turn.end_s > turn.start_s for turn in found)


def sums(spectra: Floats) -> Floats:
    """Of each window, in place of a voice."""
    total: Floats = spectra.sum(axis=1)
    return total


def test_before_the_recording_begins_there_is_silence() -> None:
    """What is said in the first second has the windows that it has a second later."""
    samples = np.random.default_rng(3).normal(0, 0.1, 40_000).astype(np.float32)
    later = np.concatenate([np.zeros(16_000, np.float32), samples])
    found, _ = encode(samples, segments((0.0, 0.7, 0.0)), sums, lambda: None)
    shifted, _ = encode(later, segments((1.0, 1.7, 0.0)), sums, lambda: None)
    np.testing.assert_allclose(found.vectors, shifted.vectors, rtol=1e-4)
    np.testing.assert_allclose(found.level_db, shifted.level_db, rtol=1e-4)


def test_what_is_too_quiet_for_a_voice_is_no_second_voice() -> None:
    """Hum before the first word, 30 dB below: voice activity took it for speech, and it was the second speaker."""
    level_db = np.array([-30.0, -31.0, 0.0, -3.0, -20.0, 1.0, -2.0, 0.0])
    centre_s, segment = STEP_S * np.arange(8, dtype=np.float64), np.zeros(8, np.int64)
    windows = Windows(centre_s, segment, np.eye(8, dtype=np.float32), level_db)
    audible = windows.audible()
    assert list(audible.level_db) == [0.0, -3.0, -20.0, 1.0, -2.0, 0.0]
    assert np.array_equal(audible.vectors, windows.vectors[2:])


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_a_quiet_window_has_the_speaker_of_the_audible_one_nearest_to_it(heard: list[bool]) -> None:
    kept = np.array([True, *heard])
    centre_s = STEP_S * np.arange(kept.size, dtype=np.float64)
    windows = Windows(centre_s, np.zeros(kept.size, np.int64), np.zeros((kept.size, 1), np.float32), -60.0 * ~kept)
    audible = windows.audible()
    labels = np.arange(kept.sum())
    given_to = of_nearest(windows, audible, labels)
    distance_s = np.abs(windows.centre_s[:, None] - audible.centre_s[None, :])
    chosen_s = distance_s[np.arange(kept.size), given_to]
    assert chosen_s == pytest.approx(distance_s.min(axis=1))
