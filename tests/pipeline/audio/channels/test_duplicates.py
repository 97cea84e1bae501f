"""A copy holds nothing of its own: neither a word, nor another gain, nor another delay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.channels.duplicates import is_copy
from pipeline.config.areas.audio import DoctorSettings
from tests.pipeline.audio.channels.made import channels_of, later, noise
from tests.pipeline.audio.sounds import RATE, Samples

SECONDS = 8.0


def copied(folder: Path, first: Samples, second: Samples, **settings: float) -> bool:
    one, other = channels_of(folder, first, second)
    return is_copy(one, other, DoctorSettings.model_validate(settings))


def with_word(samples: Samples, at_s: float, seconds: float, level_db: float, share: float = 1.0) -> Samples:
    """Own sound in place of a stretch, or mixed with it to `share` of its power."""
    changed = samples.copy()
    place = slice(round(at_s * RATE), round((at_s + seconds) * RATE))
    own = noise(seconds, 77, level_db)
    changed[place] = np.float32(np.sqrt(share)) * own + np.float32(np.sqrt(1 - share)) * samples[place]
    return changed


@pytest.mark.parametrize(
    ("gain_db", "delay_s", "settings", "is_same"),
    [
        (0.0, 0.0, {}, True),
        (-10.0, 0.0, {}, True),
        (-14.0, 0.0, {}, False),
        (-14.0, 0.0, {"dual_mono_max_gain_db": 20.0}, True),
        (0.0, 0.015, {}, True),
        (0.0, 0.03, {}, False),
        (0.0, 0.03, {"dual_mono_max_delay_ms": 50.0}, True),
    ],
)
def test_gain_and_delay_of_a_copy_have_limits(
    tmp_path: Path, gain_db: float, delay_s: float, settings: dict[str, float], is_same: bool
) -> None:
    first = noise(SECONDS, 1)
    second = later(first, delay_s) * np.float32(10 ** (gain_db / 20))
    assert copied(tmp_path, first, second, **settings) is is_same


@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_polarity_is_no_difference(tmp_path: Path, polarity: float) -> None:
    first = noise(SECONDS, 1)
    assert copied(tmp_path, first, first * np.float32(polarity))


@pytest.mark.parametrize(
    ("seconds", "level_db", "share", "is_same"),
    [
        (0.3, 0.0, 1.0, False),
        (0.3, -20.0, 1.0, False),
        (0.3, -40.0, 1.0, True),
        # half of it: a quarter of a second may be noise of a codec, two in a row are not
        (0.26, 0.0, 0.7, True),
        (0.6, 0.0, 0.7, False),
    ],
)
def test_a_loud_word_of_its_own_makes_it_no_copy(
    tmp_path: Path, seconds: float, level_db: float, share: float, is_same: bool
) -> None:
    first = noise(SECONDS * 4, 1)
    assert copied(tmp_path, first, with_word(first, 3.0, seconds, level_db, share)) is is_same


def test_what_is_loud_is_told_by_the_copys_own_loudness(tmp_path: Path) -> None:
    first = noise(SECONDS * 4, 1)
    quieter = first * np.float32(10 ** (-11 / 20))
    # 31 dB under the first channel, 20 dB under the second: a word all the same
    assert not copied(tmp_path, first, with_word(quieter, 3.0, 0.4, -31.0))


def test_speech_on_the_second_channel_alone_is_heard(tmp_path: Path) -> None:
    first = np.concatenate((noise(SECONDS, 1), np.zeros(round(SECONDS * RATE), dtype=np.float32)))
    second = np.concatenate((noise(SECONDS, 1), noise(SECONDS, 2)))
    assert not copied(tmp_path, first, second)


@pytest.mark.parametrize("seconds_changed", [1, 8])
def test_a_copy_keeps_its_gain_and_its_delay(tmp_path: Path, seconds_changed: int) -> None:
    """A second of another gain is a click; a quarter of the call is somebody else's hand on it."""
    first = noise(32.0, 1)
    louder, moved = first.copy(), first.copy()
    for second in range(seconds_changed):
        place = slice(second * 4 * RATE, (second * 4 + 1) * RATE)
        louder[place] *= np.float32(2.0)
        moved[place] = later(first[place], 0.01)
    assert copied(tmp_path / "gain", first, louder) is (seconds_changed == 1)
    assert copied(tmp_path / "delay", first, moved) is False
