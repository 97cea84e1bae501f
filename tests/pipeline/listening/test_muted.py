"""Muted copies: silent where asked, untouched elsewhere, same channels and rate."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.areas.sources import InputSettings
from pipeline.errors import AudioUndecodable, SourceUnreadable
from pipeline.listening.muted import MARGIN_S, MuteTask, build_muter, write_muted
from pipeline.listening.recordings import StoredRecording
from pipeline.sources.addresses import file_uri
from tests.pipeline.audio.sounds import tone, write
from tests.pipeline.audio.tracks import mono, write_tracks

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


def stored(*paths: Path) -> StoredRecording:
    (path, *_) = paths
    return StoredRecording(
        source_uri=file_uri(str(path)), file_name=path.name, size_bytes=path.stat().st_size, modified_at=None,
        etag=None, container="wav", codec="pcm_s16le", channels=2,
    )  # fmt: skip


def test_a_muter_writes_each_file_and_leaves_no_spool(tmp_path: Path) -> None:
    before = recording(tmp_path / "a.wav", 2.0)
    to, spool = tmp_path / "out.wav", tmp_path / "spool"
    mute = build_muter(InputSettings())
    (copied,) = mute(MuteTask(recording=stored(tmp_path / "a.wav"), spans=((0.5, 0.7),), to=(to,), spool=spool))
    assert copied.path == to
    assert copied.duration_s == pytest.approx(len(before) / RATE_HZ)
    assert not read(to)[1][round(0.6 * RATE_HZ)].any()
    assert list(spool.iterdir()) == []
    with pytest.raises(SourceUnreadable, match="it has 1 files now"):
        mute(MuteTask(recording=stored(tmp_path / "a.wav"), spans=(), to=(to, to), spool=spool))
    assert list(spool.iterdir()) == []


def test_a_recording_of_several_tracks_or_formats_has_no_muted_copy(tmp_path: Path) -> None:
    tracks = write_tracks(tmp_path / "a.mka", *mono(tone(1, 440.0), tone(1, 900.0)), form="matroska")
    with pytest.raises(AudioUndecodable, match="several audio tracks"):
        write_muted(tracks, tmp_path / "b.wav", (), InputSettings())
    parts = [write(tmp_path / f"{rate}", tone(2, 440.0), rate=rate, codec="aac", form="adts") for rate in (8000, 16000)]
    whole = tmp_path / "whole.aac"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(AudioUndecodable, match="its format changes on the way"):
        write_muted(whole, tmp_path / "b.wav", (), InputSettings())
    assert not list(tmp_path.glob("*.part"))
    assert not list(tmp_path.glob(".*"))
    assert not (tmp_path / "b.wav").exists()
