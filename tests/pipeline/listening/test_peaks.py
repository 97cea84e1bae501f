"""The outline of a recording: its peaks, and where it is flat since nothing is heard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.listening.decoded import flat_within, peaks_of
from pipeline.listening.muted import MARGIN_S
from pipeline.records import SpeechSpan


@pytest.mark.parametrize(
    ("frames", "points", "peaks"),
    [
        ([], 4, ()),
        ([0.1, 0.2], 4, (0.1, 0.2)),
        ([0.1, 0.4, 0.3, 0.2], 2, (0.4, 0.3)),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 2, (0.2, 0.5)),
        ([0.5, 1.0, 1.7], 3, (0.5, 1.0, 1.0)),
        ([0.123456], 3, (0.1235,)),
    ],
    ids=["nothing", "fewer frames", "even", "uneven", "over full scale", "four digits"],
)
def test_the_highest_of_each_stretch(frames: list[float], points: int, peaks: tuple[float, ...]) -> None:
    assert peaks_of(np.array(frames, dtype=np.float32), points) == peaks


@pytest.mark.parametrize(
    ("quiet", "heard"),
    [
        pytest.param([], [1, 1, 1, 1], id="all is heard"),
        pytest.param([(2.5, 3.5)], [1, 0, 1, 1], id="within one"),
        pytest.param([(3.5, 4.5)], [1, 0, 0, 1], id="over two"),
        pytest.param([(2.0 + MARGIN_S, 4.0 - MARGIN_S)], [1, 0, 1, 1], id="its margins end where others begin"),
        pytest.param([(2.0 + MARGIN_S / 2, 4.0 - MARGIN_S)], [0, 0, 1, 1], id="its margin begins before"),
        pytest.param([(2.0 + MARGIN_S, 4.0 - MARGIN_S / 2)], [1, 0, 0, 1], id="its margin ends behind"),
        pytest.param([(0.5, 1.0), (7.0, 7.5)], [0, 1, 1, 0], id="two"),
    ],
)
def test_where_nothing_is_heard_the_outline_is_flat(quiet: Sequence[SpeechSpan], heard: list[int]) -> None:
    """Four peaks of 2 s."""
    peaks = (0.5, 0.6, 0.7, 0.8)
    expected = tuple(peak if is_heard else 0.0 for peak, is_heard in zip(peaks, heard, strict=True))
    assert flat_within(peaks, quiet, 8.0) == expected


def test_no_peaks_stay_none() -> None:
    assert flat_within((), [(0.0, 1.0)], 8.0) == ()
