"""The recording of a live call is whole at every moment."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.live.recording import HEADER_BYTES, GrowingRecording, mend


def read(path: Path) -> npt.NDArray[np.int16]:
    with wave.open(str(path)) as file:
        content = file.readframes(file.getnframes())
        return np.frombuffer(content, dtype="<i2").reshape(-1, file.getnchannels())


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
