"""Scores of overlapping windows become one score a step, whatever the size of the blocks they come in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.audio.vad.pyannote import STEP_SAMPLES, PyannoteDetector, _PyannoteStream

Floats = npt.NDArray[np.float64]


class Detector:
    """A step's score is its loudness, and more the later in its window; `runs` are the windows heard at once."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def scores(self, windows: npt.NDArray[np.float32]) -> Floats:
        self.runs.append(len(windows))
        loud: Floats = np.abs(windows.reshape(len(windows), -1, STEP_SAMPLES)).mean(axis=2, dtype=np.float64)
        return loud + 0.1 * np.arange(loud.shape[1])


def expected(samples: npt.NDArray[np.float32], steps: int, hop: int) -> Floats:
    """The whole windows, and those that reach to the end or beyond; each weighted by a Hamming window."""
    count = -(-len(samples) // STEP_SAMPLES)
    windows = max(0, (len(samples) // STEP_SAMPLES - steps) // hop + 1)
    if windows * hop < count:
        windows += max(0, -(-(count - windows * hop - steps) // hop)) + 1
    padded = np.pad(samples, (0, ((windows - 1) * hop + steps) * STEP_SAMPLES - len(samples)))
    scored, weights = np.zeros(len(padded) // STEP_SAMPLES), np.zeros(len(padded) // STEP_SAMPLES)
    weight = np.hamming(steps) if steps > 1 else np.ones(1)
    for window in range(windows):
        at = slice(window * hop, window * hop + steps)
        heard = padded[at.start * STEP_SAMPLES : at.stop * STEP_SAMPLES]
        scored[at] += Detector().scores(heard[None])[0] * weight
        weights[at] += weight
    return scored[:count] / weights[:count]


@pytest.mark.parametrize(("steps", "hop"), [(1, 1), (4, 1), (5, 2), (6, 6)])
@pytest.mark.parametrize("length", [1, 3 * STEP_SAMPLES, 6 * STEP_SAMPLES, 6 * STEP_SAMPLES + 1, 17 * STEP_SAMPLES + 9])
@pytest.mark.parametrize("block", [100, STEP_SAMPLES, 10_000])
def test_the_scores_are_the_weighted_means_of_all_windows(steps: int, hop: int, length: int, block: int) -> None:
    samples = np.random.default_rng(3).normal(size=length).astype(np.float32)
    detector: Any = Detector()
    stream = _PyannoteStream(detector, steps, hop, windows_per_run=3)
    given = [stream.push(samples[start : start + block]) for start in range(0, length, block)]
    given.append(stream.finish())
    assert all(part.dtype == np.float32 for part in given)
    np.testing.assert_allclose(np.concatenate(given), expected(samples, steps, hop), rtol=1e-5)
    assert max(detector.runs) <= 3


def test_scores_are_given_as_soon_as_no_later_window_covers_them() -> None:
    detector: Any = Detector()
    stream = _PyannoteStream(detector, 4, 2, windows_per_run=2)
    sizes = [stream.push(np.ones(STEP_SAMPLES, np.float32)).size for _ in range(9)]
    assert sizes == [0, 0, 0, 2, 0, 2, 0, 2, 0]
    assert stream.finish().size == 3
    assert stream.push(np.zeros(0, np.float32)).size == 0


def test_many_windows_are_heard_so_many_at_once() -> None:
    detector: Any = Detector()
    _PyannoteStream(detector, 2, 1, windows_per_run=3).push(np.ones(9 * STEP_SAMPLES, np.float32))
    assert detector.runs == [3, 3, 2]


def test_silence_alone_has_no_scores() -> None:
    stream = _PyannoteStream(SimpleNamespace(), 2, 1, 1)  # type: ignore[arg-type]
    assert stream.finish().size == 0
    assert stream.finish().dtype == np.float32


def test_a_detector_hands_its_windows_to_its_stream() -> None:
    made: Any = object.__new__(PyannoteDetector)
    made._steps, made._hop_steps, made._windows_per_run = 5, 2, 7
    stream: Any = made.stream()
    assert (stream._detector, stream._steps, stream._hop, stream._windows_per_run) == (made, 5, 2, 7)
