"""The recording of a live call is whole at every moment."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.areas.encryption import EncryptionSettings
from pipeline.encryption.changing import BLOCK_BYTES
from pipeline.encryption.here import open_file
from pipeline.encryption.keys import FileDamaged
from pipeline.live.recording import HEADER_BYTES, GrowingRecording, mend


def read(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path)) as file:
        content = file.readframes(file.getnframes())
        return np.frombuffer(content, dtype="<i2").reshape(-1, file.getnchannels())


def opened(path: Path) -> npt.NDArray[np.int16]:
    """Of a recording that may be encrypted."""
    with open_file(path) as content:
        plain = path.with_suffix(".plain.wav")
        plain.write_bytes(content.read())
    return read(plain)


pieces = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 200), st.integers(1, 90)), max_size=12)


@given(pieces)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_track_is_at_its_place_whatever_comes_first(tmp_path: Path, pieces: list[tuple[int, int, int]]) -> None:
    path = tmp_path / "call.wav"
    path.unlink(missing_ok=True)
    recording = GrowingRecording(path, 2, 8000)
    expected = np.zeros((max((first + length for _, first, length in pieces), default=0), 2), dtype=np.int16)
    for number, (channel, first, length) in enumerate(pieces, 1):
        recording.write(channel, first, np.full(length, number, dtype=np.int16))
        expected[first : first + length, channel] = number
    recording.close()
    recording.close()
    assert recording.frames == len(expected)
    assert read(path).tolist() == expected.tolist()


def test_a_killed_writers_recording_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    recording = GrowingRecording(path, 2, 8000)
    recording.write(0, 0, np.arange(100, dtype=np.int16))
    recording.abandon()
    with path.open("ab") as file:
        file.write(b"abc")  # a frame that was not written whole
    assert mend(path) == 100
    assert path.stat().st_size == HEADER_BYTES + 100 * 4
    assert read(path)[:, 0].tolist() == list(range(100))


def test_nothing_but_a_broken_header_has_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF")
    assert mend(path) == 0


@given(pieces)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_an_encrypted_recording_holds_the_same(
    tmp_path: Path, keys_here: EncryptionSettings, pieces: list[tuple[int, int, int]]
) -> None:
    path = tmp_path / "call.wav"
    path.unlink(missing_ok=True)
    recording = GrowingRecording(path, 2, 8000)
    expected = np.zeros((max((first * 9 + length for _, first, length in pieces), default=0), 2), dtype=np.int16)
    for number, (channel, first, length) in enumerate(pieces, 1):
        recording.write(channel, first * 9, np.full(length, number, dtype=np.int16))
        expected[first * 9 : first * 9 + length, channel] = number
    recording.close()
    assert opened(path).tolist() == expected.tolist()


def test_no_sample_of_an_encrypted_call_is_on_the_disk_while_it_lasts(
    tmp_path: Path, keys_here: EncryptionSettings
) -> None:
    """It lay there plain until its end, and was sealed only then."""
    path = tmp_path / "call.wav"
    recording = GrowingRecording(path, 2, 8000)
    said = np.arange(1, 9001, dtype=np.int16)
    for first in range(0, 9000, 160):
        recording.write(0, first, said[first : first + 160])
        recording.write(1, first, -said[first : first + 160])
    lies_there = path.read_bytes()
    assert b"RIFF" not in lies_there
    assert said[100:104].astype("<i2").tobytes() not in lies_there
    recording.abandon()
    with path.open("r+b") as file:  # its last block was not written whole
        file.truncate(path.stat().st_size - 5)
    frames = mend(path)
    assert 9000 - BLOCK_BYTES // 4 <= frames < 9000
    assert opened(path)[:, 0].tolist() == said[:frames].tolist()


def test_a_changed_block_of_a_held_recording_is_noticed(tmp_path: Path, keys_here: EncryptionSettings) -> None:
    path = tmp_path / "call.wav"
    recording = GrowingRecording(path, 1, 8000)
    recording.write(0, 0, np.ones(5000, dtype=np.int16))
    recording.close()
    content = bytearray(path.read_bytes())
    content[-BLOCK_BYTES - 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileDamaged, match="its block 1 was changed"):
        opened(path)
