"""Muted copies: silent where asked, untouched elsewhere, same channels and rate."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import AudioUndecodable
from pipeline.listening.muted import MARGIN_S, write_muted

RATE_HZ = 11_025


def recording(path: Path, seconds: float = 25.0, channels: int = 2) -> np.ndarray:
    """Noise of full 16 bits, interleaved."""
    samples = np.random.default_rng(1).integers(-30_000, 30_000, (int(seconds * RATE_HZ), channels)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return samples


def read(path: Path) -> tuple[int, np.ndarray]:
    with wave.open(str(path), "rb") as file:
        content = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return file.getframerate(), content.reshape(-1, file.getnchannels())


@pytest.mark.parametrize("channels", [1, 2])
def test_a_stretch_is_silent_and_the_rest_is_as_it_was(tmp_path: Path, channels: int) -> None:
    """Stretches over the edge of a decoded block, at the start and beyond the end among them."""
    before = recording(tmp_path / "a.wav", channels=channels)
    spans = ((0.1, 0.2), (9.5, 10.5), (24.9, 99.0))
    done = write_muted(tmp_path / "a.wav", tmp_path / "b.wav", spans, InputSettings())
    rate, after = read(tmp_path / "b.wav")
    assert (rate, after.shape, done.sample_rate_hz, done.channels) == (RATE_HZ, before.shape, RATE_HZ, channels)
    at_s = np.arange(len(before)) / RATE_HZ
    silent = np.zeros(len(before), dtype=bool)
    for start_s, end_s in spans:
        inside = (at_s >= start_s) & (at_s <= end_s)
        assert not after[inside].any()
        silent |= (at_s >= start_s - MARGIN_S - 0.001) & (at_s <= end_s + MARGIN_S + 0.001)
    assert np.abs(after[~silent].astype(int) - before[~silent]).max() <= 1
    assert done.muted_s == pytest.approx(silent.sum() / RATE_HZ, abs=0.02)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.wav", "b.wav"]


def test_without_stretches_it_is_a_copy(tmp_path: Path) -> None:
    before = recording(tmp_path / "a.wav", 1.0)
    assert write_muted(tmp_path / "a.wav", tmp_path / "b.wav", (), InputSettings()).muted_s == 0
    assert np.abs(read(tmp_path / "b.wav")[1].astype(int) - before).max() <= 1


def test_what_cannot_be_decoded_leaves_no_copy(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound at all")
    with pytest.raises(AudioUndecodable):
        write_muted(tmp_path / "a.wav", tmp_path / "b.wav", (), InputSettings())
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
