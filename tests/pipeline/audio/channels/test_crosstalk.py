"""What leaks from the other side is cut out, to the quarter of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.audio.channels.crosstalk import drop_leaks
from pipeline.audio.segments import Interval
from pipeline.config.areas.audio import CrosstalkSettings
from tests.pipeline.audio.channels.made import channels_of, later, noise
from tests.pipeline.audio.sounds import RATE, Samples

PIECE_S = 0.75
MARGIN_S = 0.25


def kept(folder: Path, one: Samples, other: Samples, **settings: float) -> list[tuple[float, float]]:
    """What is left of a stretch that covers all of `one`."""
    channels = channels_of(folder, one, other)
    channels[0].speech = [Interval(0, len(one))]
    channels[1].speech = [Interval(0, len(other))]
    drop_leaks(channels, CrosstalkSettings.model_validate(settings))
    assert ("crosstalk" in channels[0].flags) == (channels[0].speech != [Interval(0, len(one))])
    assert channels[1].speech == [Interval(0, len(other))], "the louder side keeps all"
    return [(span.start / RATE, span.end / RATE) for span in channels[0].speech]


def leak(other: Samples, level_db: float = -20.0) -> Samples:
    return other * np.float32(10.0 ** (level_db / 20.0))


def test_own_speech_between_leaks_is_kept_with_a_margin(tmp_path: Path) -> None:
    other = noise(6 * PIECE_S, 1)
    one = leak(other)
    one[round(2 * PIECE_S * RATE) : round(3 * PIECE_S * RATE)] = noise(PIECE_S, 2)
    assert kept(tmp_path, one, other) == [(2 * PIECE_S - MARGIN_S, 3 * PIECE_S + MARGIN_S)]


def test_the_margin_ends_with_the_stretch(tmp_path: Path) -> None:
    other = noise(4 * PIECE_S, 1)
    one = np.concatenate((noise(2 * PIECE_S, 2), leak(other)[round(2 * PIECE_S * RATE) :]))
    assert kept(tmp_path, one, other) == [(0.0, 2 * PIECE_S + MARGIN_S)]


@pytest.mark.parametrize(("quiet_db", "end"), [(-20.0, 3 * PIECE_S), (-30.0, 2 * PIECE_S)])
def test_a_pause_before_a_leak_is_nobodys_speech(tmp_path: Path, quiet_db: float, end: float) -> None:
    other = noise(5 * PIECE_S, 1)
    quiet = noise(PIECE_S, 3, quiet_db)
    one = np.concatenate((noise(2 * PIECE_S, 2), quiet, leak(other)[round(3 * PIECE_S * RATE) :]))
    assert kept(tmp_path, one, other) == [(0.0, end + MARGIN_S)]


@pytest.mark.parametrize(
    ("level_db", "delay_s", "settings", "is_leak"),
    [
        (-12.0, 0.0, {}, True),
        (-8.0, 0.0, {}, False),
        (-8.0, 0.0, {"min_difference_db": 6.0}, True),
        (-20.0, 0.4, {}, True),
        (-20.0, 0.7, {}, False),
        (-20.0, 0.7, {"max_delay_ms": 800.0}, True),
        (-40.0, 0.0, {}, True),
    ],
)
def test_a_leak_is_quieter_and_not_too_late(
    tmp_path: Path, level_db: float, delay_s: float, settings: dict[str, float], is_leak: bool
) -> None:
    other = noise(4 * PIECE_S, 1)
    found = kept(tmp_path, leak(later(other, delay_s), level_db), other, **settings)
    assert found == ([] if is_leak else [(0.0, 4 * PIECE_S)])


@pytest.mark.parametrize(("share", "is_leak"), [(0.8, True), (0.4, False)])
def test_a_leak_correlates_with_what_it_comes_from(tmp_path: Path, share: float, is_leak: bool) -> None:
    other = noise(4 * PIECE_S, 1)
    mixed = np.float32(share) * other + np.float32(np.sqrt(1 - share**2)) * noise(4 * PIECE_S, 2)
    assert (kept(tmp_path, leak(mixed), other) == []) is is_leak
