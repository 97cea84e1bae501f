"""The baseline of comparisons: what it decodes by the library, and what it makes of the library's answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import soundfile  # type: ignore[import-untyped]

from commands.evaluate.comparison.plain_whisper import _decoded, _heard, _Recording
from pipeline.errors import EarshotError
from pipeline.records import Role

RATE = 16_000


def written(path: Path, *levels: float, seconds: float = 1.0) -> Path:
    """A WAV file with one channel for each level, of which it is full."""
    sound = np.tile(np.asarray(levels), (int(RATE * seconds), 1))
    soundfile.write(path, sound, RATE, subtype="PCM_16")
    return path


@pytest.mark.parametrize(
    ("files", "levels", "flags"),
    [
        ([(0.25,)], [0.25], ("mono",)),
        ([(0.25, -0.5)], [0.25, -0.5], ()),
        ([(0.25, 0.25)], [0.25], ("dual_mono",)),
        ([(0.25,), (-0.5,)], [0.25, -0.5], ()),
    ],
)
def test_channels_are_those_of_the_file_or_of_a_file_for_each_side(
    files: list[tuple[float, ...]], levels: list[float], flags: tuple[str, ...], tmp_path: Path
) -> None:
    paths = tuple(written(tmp_path / f"{number}.wav", *given) for number, given in enumerate(files))
    channels, found = _decoded(paths)
    assert found == flags
    assert [round(float(np.median(samples)), 2) for samples in channels] == levels
    assert {samples.size for samples in channels} == {RATE}


class FakeWhisper:
    """Says two segments of each channel, the louder one in French."""

    def transcribe(
        self, samples: npt.NDArray[np.float32], *, language: str | None, vad_filter: bool
    ) -> tuple[Iterator[SimpleNamespace], SimpleNamespace]:
        assert vad_filter
        loud = float(np.median(np.abs(samples))) > 0.3
        began = 0.5 if loud else 0.0
        texts = [
            SimpleNamespace(start=began + at_s, end=began + at_s + 1, text=f" {language} {at_s} ") for at_s in (0, 2)
        ]
        told = language or ("fr" if loud else "en")
        return iter(texts), SimpleNamespace(language=told, duration_after_vad=9.0 if loud else 3.0)


def test_segments_of_both_channels_stand_in_order_of_time(tmp_path: Path) -> None:
    path = written(tmp_path / "both.wav", 0.25, -0.5, seconds=2.0)
    answer = _heard(FakeWhisper(), _Recording((path,), None))
    told = [(chunk.channel, chunk.ordinal, chunk.start_s, chunk.end_s, chunk.language) for chunk in answer.chunks]
    assert told == [(0, 0, 0.0, 1.0, "en"), (1, 0, 0.5, 1.5, "fr"), (0, 1, 2.0, 3.0, "en"), (1, 1, 2.5, 3.5, "fr")]
    assert [chunk.text for chunk in answer.chunks] == ["None 0", "None 0", "None 2", "None 2"]
    assert {chunk.role for chunk in answer.chunks} == {Role.UNKNOWN}
    assert (answer.language, answer.duration_s, answer.flags) == ("fr", 2.0, ())
    assert min(answer.recognised_processor_s, answer.decoded_processor_s, answer.wall_s) >= 0
    german = _heard(FakeWhisper(), _Recording((path,), "de"))
    assert (german.language, german.chunks[0].text) == ("de", "de 0")


@pytest.mark.parametrize("name", ["none.wav", "noise.wav"])
def test_what_the_library_cannot_decode_is_a_fault_of_the_recording(name: str, tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_bytes(b"no sound")
    with pytest.raises(EarshotError, match=rf"{name}: faster-whisper cannot decode it \("):
        _heard(FakeWhisper(), _Recording((tmp_path / name,), None))
