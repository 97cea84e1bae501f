"""Acoustic features: what they measure, what they refuse."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from analysis.sentiment.features import (
    BAND_HZ,
    FEATURE_NAMES,
    FEATURE_VERSION,
    FEATURES,
    FFT,
    FRAMES_PER_S,
    MELS,
    RATE_HZ,
    change_per_s,
    chunk_features,
    mel_filters,
    to_8_khz,
)
from analysis.sentiment.normalise import Averages, against_everybody, against_speaker

Samples = npt.NDArray[np.float32]
KEPT = Path(__file__).parent / "pinned" / "features.json"


def voice(pitch_hz: float, seconds: float = 1.2, level: float = 0.1, seed: int = 0) -> Samples:
    """A buzz of harmonics in syllables of 150 ms with pauses of 100 ms."""
    at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    buzz = sum(np.sin(2 * np.pi * pitch_hz * number * at) / number for number in range(1, int(3400 / pitch_hz)))
    noise = np.random.default_rng(seed).standard_normal(len(at)) * 0.003
    return (level * (buzz * ((at % 0.25) < 0.15) + noise)).astype(np.float32)


def of(samples: Samples, name: str) -> float:
    values = chunk_features(samples).values
    assert values is not None
    return float(values[FEATURE_NAMES.index(name)])


def test_every_feature_is_named_once_with_unit_and_source() -> None:
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert all(feature.unit and feature.source for feature in FEATURES)
    values = chunk_features(voice(150)).values
    assert values is not None
    assert values.shape == (len(FEATURES),)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("pitch_hz", [90, 120, 180, 260, 400])
def test_pitch_is_found(pitch_hz: float) -> None:
    assert of(voice(pitch_hz), "pitch_p50") == pytest.approx(12 * np.log2(pitch_hz / 27.5), abs=0.3)


OF_A_LOUD_AND_A_SOFT_VOICE = {
    "pitch_p50": 29.38,
    "harmonicity_mean": 18.225,
    "loudness_p10": -27.615,
    "centroid_mean": 461.53,
    "flatness_mean": -12.225,
    "flux_mean": 0.43544,
    "slope_low_mean": -19.02,
    "alpha_ratio_mean": 9.3889,
    "hammarberg_mean": 22.328,
    "mfcc1_mean": 31.86,
    "mfcc3_change": 49.655,
    "pause_share": 0.26809,
    "voiced_share": 0.88953,
    "peak_rate": 8.5106,
    "modulation_syllable": 0.75575,
    "shimmer": 0.52199,
    "loudness_rise": 122.64,
}
"""Of the features of version 1. Models that are trained read them: other numbers want another FEATURE_VERSION."""


def test_the_same_name_means_the_same_number_as_when_the_models_were_trained() -> None:
    sound = np.concatenate([voice(150), voice(150, level=0.005)])
    assert FEATURE_VERSION == "1"
    found = {name: of(sound, name) for name in OF_A_LOUD_AND_A_SOFT_VOICE}
    assert found == pytest.approx(OF_A_LOUD_AND_A_SOFT_VOICE, rel=1e-3)


def test_syllables_are_counted() -> None:
    assert of(voice(150, 3.0), "voiced_rate") == pytest.approx(4.0, rel=0.15)


def test_only_the_level_depends_on_the_level() -> None:
    quiet, loud = chunk_features(voice(150, level=0.02)).values, chunk_features(voice(150, level=0.2)).values
    assert quiet is not None
    assert loud is not None
    changed = [name for name, a, b in zip(FEATURE_NAMES, quiet, loud, strict=True) if abs(a - b) > 0.05 * (abs(a) + 1)]
    assert changed == ["level_db"]


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        (voice(150)[: RATE_HZ // 20], "shorter than 400 ms"),
        (np.zeros(0, dtype=np.float32), "shorter than 400 ms"),
        (np.zeros(RATE_HZ, dtype=np.float32), "silence"),
        (np.full(RATE_HZ, 0.5, dtype=np.float32), "silence"),
        ((0.1 * np.random.default_rng(0).standard_normal(RATE_HZ)).astype(np.float32), "less than 100 ms of voice"),
    ],
)
def test_what_holds_no_voice_has_no_features(samples: Samples, reason: str) -> None:
    found = chunk_features(samples)
    assert (found.values, found.reason) == (None, reason)


def test_a_loud_line_is_not_an_angry_one() -> None:
    lines = [chunk_features(voice(150, level=level, seed=seed)).values for seed, level in enumerate((0.05, 0.06, 0.05))]
    values = np.stack([line for line in lines if line is not None])
    averages = Averages(values.mean(axis=0) + 1, values.std(axis=0) + 1)
    louder = values.copy()
    level = FEATURE_NAMES.index("level_db")
    louder[:, level] += 20
    np.testing.assert_allclose(
        against_speaker(values, averages, 2.0)[:, level], against_speaker(louder, averages, 2.0)[:, level]
    )
    assert (against_everybody(louder, averages)[:, level] == 0).all()


def test_a_speaker_of_one_line_is_measured_against_everybody() -> None:
    averages = Averages(np.zeros(len(FEATURES)), np.ones(len(FEATURES)))
    line = np.ones((1, len(FEATURES)))
    assert abs(against_speaker(line, averages, 1e9)[0, 0] - 1.0) < 1e-6
    assert (against_speaker(line, averages, 0.0) == 0).all()


def test_mel_filters_and_changes_are_those_of_librosa() -> None:
    import librosa

    low, high = BAND_HZ
    published = librosa.filters.mel(sr=RATE_HZ, n_fft=FFT, n_mels=MELS, fmin=low, fmax=high, htk=True)
    assert np.array_equal(mel_filters(), published)
    contours = np.random.default_rng(0).standard_normal((60, 13)) * 20
    for frames in (1, 2, 5, 60):
        some = contours[:frames]
        change = librosa.feature.delta(some, axis=0, width=5, mode="nearest") * FRAMES_PER_S
        assert np.allclose(change_per_s(some), change, rtol=0, atol=1e-11)


SOUNDS: dict[str, Samples] = {
    "low voice": voice(110),
    "high voice": voice(260, seconds=2.0, level=0.4, seed=3),
    "falling": np.concatenate([voice(320, 0.8, 0.5), voice(240, 0.8, 0.2), voice(160, 0.8, 0.05)]),
    "wide band": np.repeat(voice(140, 1.5), 2),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_every_number_of_a_made_up_voice_is_as_before(name: str) -> None:
    """Kept with three digits: processors differ in the last ones."""
    samples = SOUNDS[name]
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    found = chunk_features(to_8_khz(samples, 2 * RATE_HZ) if name == "wide band" else samples)
    assert found.values is not None
    told = dict(zip(FEATURE_NAMES, found.values.tolist(), strict=True)) | {"voiced_s": found.voiced_s}
    if os.environ.get("EARSHOT_PIN"):
        kept[name] = {feature: float(f"{value:.5g}") for feature, value in told.items()}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    assert told == pytest.approx(kept[name], rel=2e-3, abs=2e-3)
