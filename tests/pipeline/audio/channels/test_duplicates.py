"""A copy holds nothing of its own: neither a word, nor another gain, nor another delay."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile  # type: ignore[import-untyped]
import soxr

from bench.materials.sound.overhearing import KINDS, coded
from pipeline.audio.channels.duplicates import is_copy
from pipeline.config.areas.audio import DoctorSettings
from tests.house import PROJECT
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
        (-3.0, 0.25, {}, True),
        (-3.0, 0.35, {}, False),
        # late and quieter: it may be the echo of the only one who speaks
        (-6.0, 0.03, {}, False),
        (-6.0, 0.03, {"dual_mono_max_delay_ms": 50.0}, True),
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


@functools.cache
def a_call() -> Samples:
    """25 s of both sides of a sample call, 8 kHz, shape (2, samples)."""
    path = next((PROJECT / "samples" / "calls").glob("20260914-091502*"))
    samples, rate = soundfile.read(path, frames=25 * soundfile.info(path).samplerate, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples, rate, 8000).T, dtype=np.float32)


def with_a_word(call: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    """Half a second of the first second that is loud, on one channel, where both are quietest."""
    powers = np.square(call[1])[: call.shape[1] // 4000 * 4000].reshape(-1, 4000).mean(axis=1)
    word, quiet = int(powers.argmax()) * 4000, int(powers.argmin()) * 4000
    made = call.copy()
    made[1, quiet : quiet + 4000] += call[1, word : word + 4000]
    return made


CODED = {
    "a mono copy through AMR": (KINDS["mono copy, AMR"], True),
    "two codecs": (
        lambda call, rate: np.stack([coded(call.sum(0) / 2, rate, c) for c in ("adpcm_ima_wav", "libopencore_amrnb")]),
        True,
    ),
    "later by a line's delay": (
        lambda call, rate: np.stack([call.sum(0), np.pad(call.sum(0), (rate // 5, 0))[: call.shape[1]]]),
        True,
    ),
    "a word of its own": (lambda call, rate: with_a_word(KINDS["mono copy, AMR"](call, rate) / 2), False),
    "an echo of 6 dB": (KINDS["echo 6 dB 20 ms"], False),
    "a loud room": (KINDS["room 8 dB"], False),
    "an echo through a codec": (KINDS["echo through a codec"], False),
    "a mix on one side": (KINDS["mix on one side"], False),
    "two sides": (KINDS["clean"], False),
}  # fmt: skip


@pytest.mark.parametrize("case", CODED)
def test_a_mono_copy_through_a_codec_is_a_copy_and_an_overheard_side_is_none(tmp_path: Path, case: str) -> None:
    """It had been two channels that say the same, of which nobody could tell the sides."""
    make, is_same = CODED[case]
    first, second = make(a_call(), 8000)
    assert copied(tmp_path, soxr.resample(first, 8000, RATE), soxr.resample(second, 8000, RATE)) is is_same
