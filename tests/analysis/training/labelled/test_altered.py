"""Sound over another line, in noise and cut, by what is left of tones of known strength."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from analysis.training.labelled.altered import ALTERED, cut, telephone, with_noise

RATE_HZ = 16_000


def tone(frequency_hz: float, strength: float) -> npt.NDArray[np.float32]:
    return (strength * np.sin(2 * np.pi * frequency_hz * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)


def strength_of(samples: npt.NDArray[np.float32], frequency_hz: int) -> float:
    """Of the tone, in the middle half of a second; its edges ring."""
    middle = samples[RATE_HZ // 4 : 3 * RATE_HZ // 4]
    return float(2 * np.abs(np.fft.rfft(middle)[frequency_hz // 2]) / len(middle))


@pytest.mark.parametrize("strength", [0.9, 0.5, 0.1, 0.01])
@pytest.mark.parametrize(("frequency_hz", "share"), [(1000, 1.0), (2000, 1.0), (60, 0.0), (5000, 0.0)])
def test_a_telephone_carries_the_tones_of_its_band_as_strong_as_they_were(
    strength: float, frequency_hz: int, share: float
) -> None:
    heard = telephone(tone(frequency_hz, strength))
    assert heard.dtype == np.float32
    assert heard.shape == (RATE_HZ,)
    assert strength_of(heard, frequency_hz) / strength == pytest.approx(share, abs=0.03)


def test_what_is_too_loud_is_clipped() -> None:
    assert strength_of(telephone(tone(1000, 3.0)), 1000) == pytest.approx(4 / np.pi, rel=0.1)  # of a square wave


@pytest.mark.parametrize("pink", [False, True])
@pytest.mark.parametrize("ratio_db", [20.0, 12.0, 0.0])
def test_noise_is_as_far_under_the_sound_as_asked(ratio_db: float, pink: bool) -> None:
    sound = tone(1000, 0.5)
    noise = with_noise(sound, ratio_db, pink=pink).astype(np.float64) - sound
    assert 10 * np.log10(np.mean(sound.astype(np.float64) ** 2) / np.mean(noise**2)) == pytest.approx(
        ratio_db, abs=0.01
    )
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = np.mean(power[100:200]), np.mean(power[4000:8000])
    assert low / high == pytest.approx(6000 / 144 if pink else 1.0, rel=0.5), "pink noise falls with its frequency"


def test_no_sound_gets_no_noise() -> None:
    assert with_noise(np.zeros(0, dtype=np.float32), 12.0).size == 0


def test_a_tenth_is_cut_off_at_either_end() -> None:
    assert cut(np.arange(20, dtype=np.float32)).tolist() == list(range(2, 18))


@pytest.mark.parametrize(
    ("name", "length", "ratio_db"),
    [
        ("over the telephone", RATE_HZ, None),
        ("with white noise at 20 dB", RATE_HZ, 20.0),
        ("with pink noise at 20 dB", RATE_HZ, 20.0),
        ("with white noise at 12 dB", RATE_HZ, 12.0),
        ("cut shorter", RATE_HZ * 8 // 10, None),
    ],
)
def test_each_form_is_what_its_name_says(name: str, length: int, ratio_db: float | None) -> None:
    sound = tone(1000, 0.5)
    heard, plain = ALTERED[name](sound), telephone(sound)
    assert len(heard) == length
    if ratio_db is not None:
        ratio = np.mean(plain**2) / np.mean((heard - plain) ** 2)
        assert 10 * np.log10(ratio) == pytest.approx(ratio_db, abs=0.1)
