"""Where tones and music end: limits of what counts as either."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio.channels.music import find_music, music_candidates
from pipeline.audio.channels.tones import ToneScan, find_ringing
from pipeline.audio.segments import Interval
from pipeline.config.areas.audio import MusicSettings, ToneSettings
from tests.pipeline.audio.sounds import RATE, Samples, music, silence, tone


def pair(seconds: float, low_hz: float, high_hz: float, difference_db: float) -> Samples:
    """Two tones, the higher one weaker by so much."""
    return tone(seconds, low_hz) + np.float32(10 ** (-difference_db / 20)) * tone(seconds, high_hz)


def keys(samples: Samples) -> int:
    scan = ToneScan(ToneSettings())
    scan.push(samples)
    return len(scan.key_tones())


@pytest.mark.parametrize(("difference_db", "heard"), [(0.0, 1), (10.0, 1), (15.0, 0)])
def test_the_tones_of_a_key_are_about_equally_loud(difference_db: float, heard: int) -> None:
    assert keys(pair(0.2, 697, 1209, difference_db)) == heard


def test_mains_hum_hides_no_key() -> None:
    assert keys(pair(0.2, 697, 1209, 0.0) + np.float32(2.0) * tone(0.2, 30)) == 1


@pytest.mark.parametrize(("difference_db", "heard"), [(0.0, True), (12.0, True), (20.0, False)])
def test_both_tones_of_a_ringing_pair_are_heard(difference_db: float, heard: bool) -> None:
    settings = ToneSettings(ringing_frequencies_hz=((440.0, 480.0),))
    assert bool(find_ringing(pair(2.0, 440, 480, difference_db), settings)) is heard


@pytest.mark.parametrize(("depth", "heard"), [(0.0, True), (0.1, True), (0.7, False)])
def test_ringing_keeps_its_level(depth: float, heard: bool) -> None:
    swell = 1.0 + depth * np.sin(2 * np.pi * np.arange(2 * RATE) / RATE)
    assert bool(find_ringing(np.asarray(tone(2.0, 425) * swell, dtype=np.float32), ToneSettings())) is heard


@pytest.mark.parametrize(
    ("level_db", "speech", "found"),
    [
        (-30.0, [], [Interval(0, 20 * RATE)]),
        (-50.0, [], []),
        (-30.0, [Interval(0, 20 * RATE)], []),
        (-30.0, [Interval(0, 2 * RATE)], [Interval(4 * RATE, 20 * RATE)]),
    ],
)
def test_music_is_looked_for_where_it_is_loud_and_nobody_speaks(
    level_db: float, speech: list[Interval], found: list[Interval]
) -> None:
    power = np.full(2000, 10 ** (level_db / 10))
    assert music_candidates(power, speech, MusicSettings()) == found


def test_a_short_breath_of_the_music_does_not_split_it() -> None:
    breath = np.concatenate((music(10), silence(1.5, -30), music(10, seed=1)))
    apart = np.concatenate((music(10), silence(8, -30), music(10, seed=1)))
    assert [len(find_music([sound], MusicSettings())) for sound in (breath, apart)] == [1, 2]
