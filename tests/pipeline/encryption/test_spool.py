"""The spool and recordings, encrypted: the same samples, sound and hashes as without, or an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.audio.decoding.ingest import ingest
from pipeline.audio.decoding.spool import SpoolWriter, read_blocks, read_range, rewrite
from pipeline.audio.prepare import _hash
from pipeline.children.worker import Worker
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption.here import mapped_samples, open_file, seal, use_keys
from pipeline.encryption.keys import FileDamaged, KeyMissing
from pipeline.encryption.sealed import HEADER_BYTES, is_sealed
from tests.pipeline.audio.sounds import silence, tone, write

SAMPLES = np.random.default_rng(7).uniform(-1, 1, (2, 50_000)).astype(np.float32)


def spooled(folder: Path, *blocks: np.ndarray) -> tuple[Path, ...]:
    writer = SpoolWriter(folder, 2)
    for block in blocks:
        writer.write(block)
    writer.close()
    return writer.paths


@pytest.mark.usefixtures("keys_here")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.integers(0, 60_000), st.integers(0, 60_000))
def test_stretches_of_an_encrypted_channel_are_those_that_were_written(tmp_path: Path, first: int, count: int) -> None:
    folder = tmp_path / "call"
    if not folder.exists():
        folder.mkdir()
        spooled(folder, SAMPLES[:, :30_001], SAMPLES[:, 30_001:])
    path = folder / "channel_1.f32"
    assert is_sealed(path)
    np.testing.assert_array_equal(read_range(path, first, count), SAMPLES[1, first : first + count])


@pytest.mark.usefixtures("keys_here")
def test_blocks_maps_and_rewriting_of_an_encrypted_channel(tmp_path: Path) -> None:
    path, _ = spooled(tmp_path, SAMPLES)
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(path, 7_000, 100, 40_000))), SAMPLES[0, 100:40_000])
    np.testing.assert_array_equal(mapped_samples(path, 123), SAMPLES[0, :123])
    before = path.read_bytes()
    rewrite(path, 0.25, 2.0)
    np.testing.assert_array_equal(
        mapped_samples(path, mode="c"), np.clip((SAMPLES[0] - np.float32(0.25)) * np.float32(2), -1, 1)
    )
    assert path.read_bytes()[32:HEADER_BYTES] != before[32:HEADER_BYTES], "one key never encrypts two contents"


@pytest.mark.usefixtures("keys_here")
def test_writing_on_after_the_end(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, 2)
    writer.write(SAMPLES)
    writer.close()
    writer.reopen()
    writer.write(np.zeros((2, 3), dtype=np.float32))
    writer.close()
    assert writer.samples == 50_003
    np.testing.assert_array_equal(mapped_samples(writer.paths[1])[-4:], [SAMPLES[1, -1], 0, 0, 0])
    assert sorted(path.name for path in tmp_path.glob("channel_*")) == ["channel_0.f32", "channel_1.f32"]


@pytest.mark.usefixtures("keys_here")
@pytest.mark.parametrize("place", [0, 40, HEADER_BYTES + 10, -1])
def test_a_spool_file_that_was_changed_gives_no_samples(tmp_path: Path, place: int) -> None:
    """Also where its first byte was: it would be taken for samples that are not encrypted."""
    path, _ = spooled(tmp_path, SAMPLES)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileDamaged):
        read_range(path, 0, 10)
    with pytest.raises(FileDamaged):
        mapped_samples(path)


@pytest.mark.parametrize(
    ("codec", "form", "name"),
    [
        ("pcm_s16le", "wav", "call.wav"),
        ("pcm_mulaw", "wav", "call.wav"),
        ("flac", "flac", "call.flac"),
        ("libmp3lame", "mp3", "call.mp3"),
        ("libopus", "ogg", "call.ogg"),
        ("aac", "ipod", "call.m4a"),
        ("pcm_mulaw", "mulaw", "call.ulaw"),
    ],
)
def test_an_encrypted_recording_decodes_to_the_same_samples(
    tmp_path: Path, keys_here: EncryptionSettings, codec: str, form: str, name: str
) -> None:
    del keys_here
    sides = (tone(2, 440.0),) if form == "mulaw" else (tone(2, 440.0), silence(2))
    plain = write(tmp_path / name, *sides, rate=16_000 if codec != "pcm_mulaw" else 8_000, codec=codec, form=form)
    (tmp_path / "kept").mkdir()
    sealed = tmp_path / "kept" / name
    seal(plain, sealed)
    assert is_sealed(sealed)
    assert _hash(sealed) == _hash(plain)
    calls = []
    for number, path in enumerate((plain, sealed)):
        folder = tmp_path / f"spool_{number}"
        folder.mkdir()
        calls.append(ingest(path, folder, AudioSettings()))
    first, second = calls
    assert first.samples == second.samples
    assert first.flags == second.flags
    for one, other in zip(first.paths, second.paths, strict=True):
        np.testing.assert_array_equal(mapped_samples(one), mapped_samples(other))


def test_a_recording_that_was_damaged_in_the_middle_is_an_error_and_no_shorter_call(
    tmp_path: Path, keys_here: EncryptionSettings
) -> None:
    del keys_here
    plain = write(tmp_path / "call.wav", tone(20, 440.0), tone(20, 550.0), rate=16_000)
    sealed = tmp_path / "kept.wav"
    seal(plain, sealed)
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    sealed.write_bytes(content)
    (tmp_path / "spool").mkdir()
    with pytest.raises(FileDamaged, match=r"kept\.wav: its block"):
        ingest(sealed, tmp_path / "spool", AudioSettings())


def test_without_its_key_a_recording_is_not_read(tmp_path: Path, keys_here: EncryptionSettings) -> None:
    plain = write(tmp_path / "call.wav", tone(1, 440.0), rate=16_000)
    seal(plain, tmp_path / "kept.wav")
    use_keys(EncryptionSettings())
    with pytest.raises(KeyMissing, match=r"neither encryption\.key nor"):
        open_file(tmp_path / "kept.wav")
    use_keys(keys_here)
    open_file(tmp_path / "kept.wav").close()


def build_reader() -> Callable[[Path], float]:
    """In a spawned process."""
    return lambda path: float(mapped_samples(path)[0])


@pytest.mark.usefixtures("keys_here")
def test_a_spawned_process_has_the_keys(tmp_path: Path) -> None:
    path, _ = spooled(tmp_path, SAMPLES)
    worker = Worker("reader", build_reader, limit_key="none")
    try:
        assert worker.call(path, 60.0) == float(SAMPLES[0, 0])
    finally:
        worker.close()
    assert "key" in os.environ["EARSHOT_ENCRYPTION"]
    key = (tmp_path / "key").read_text().strip()
    assert key not in os.environ["EARSHOT_ENCRYPTION"]
