"""Statistics that carry over block borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio.decoding.levels import FRAME_SAMPLES, FrameLevels, SourceStatistics
from tests.pipeline.audio.sounds import tone


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8), st.integers(0, 1000))
def test_any_blocks_give_the_same_statistics(sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    steps = np.array([-1.0, -0.98, -0.5, 0.0, 0.5, 0.98, 1.0, np.nan], dtype=np.float32)
    samples = np.repeat(random.choice(steps, size=(sum(sizes), 2)), 3, axis=0)[: sum(sizes)]
    whole, parts = SourceStatistics(2), SourceStatistics(2)
    levels, levels_of_parts = FrameLevels(2), FrameLevels(2)
    levels.push(whole.clean(samples).T)
    start = 0
    for size in sizes:
        levels_of_parts.push(parts.clean(samples[start : start + size]).T)
        start += size
    levels.finish()
    levels_of_parts.finish()
    assert whole.clipped.tolist() == parts.clipped.tolist()
    assert whole.non_finite.tolist() == parts.non_finite.tolist()
    for channel in range(2):
        np.testing.assert_array_equal(levels.channel(channel).power, levels_of_parts.channel(channel).power)
        np.testing.assert_array_equal(levels.channel(channel).peaks, levels_of_parts.channel(channel).peaks)


@pytest.mark.parametrize(
    ("samples", "clipped"),
    [
        ([0.0, 1.0, 1.0, 0.0], 0),
        ([0.0, 1.0, 1.0, 1.0, 0.0], 3),
        ([-1.0] * 5, 5),
        ([1.0, 1.0, -1.0, -1.0], 0),
        ([0.97] * 9, 0),
    ],
)
def test_flat_tops_are_counted(samples: list[float], clipped: int) -> None:
    statistics = SourceStatistics(1)
    statistics.clean(np.array(samples, dtype=np.float32)[:, None])
    assert statistics.clipped.tolist() == [clipped]


def test_a_constant_offset_does_not_count_as_level() -> None:
    levels = FrameLevels(1)
    levels.push((tone(1, 400, amplitude=0.1) + np.float32(0.25))[None, :])
    levels.finish()
    channel = levels.channel(0)
    assert channel.offset == pytest.approx(0.25, abs=1e-4)
    assert channel.loudest_second_dbfs() == pytest.approx(-23.0, abs=0.1)
    assert channel.peak == pytest.approx(0.35, abs=1e-3)
    assert len(channel.power) == 16_000 / FRAME_SAMPLES


def test_each_channel_has_levels_of_its_own() -> None:
    sides = [tone(1, 400, amplitude=0.1), tone(1, 300, amplitude=0.01) - np.float32(0.2)]
    together = FrameLevels(2)
    together.push(np.stack(sides))
    together.finish()
    for index, side in enumerate(sides):
        alone = FrameLevels(1)
        alone.push(side[None])
        alone.finish()
        np.testing.assert_array_equal(together.channel(index).db, alone.channel(0).db)
        assert together.channel(index).peak == float(np.abs(side).max())
        assert together.channel(index).offset == alone.channel(0).offset
    assert together.channel(0).loudest_second_dbfs() == pytest.approx(-23.0, abs=0.1)
    assert together.channel(1).loudest_second_dbfs() == pytest.approx(-43.0, abs=0.1)


def test_a_few_clicks_are_no_loudness() -> None:
    sound = tone(3, 400, amplitude=0.01)
    sound[8000:8400] = np.tile(np.array([0.9, -0.9], dtype=np.float32), 200)
    levels = FrameLevels(1)
    levels.push(sound[None])
    levels.finish()
    assert levels.channel(0).loudest_second_dbfs() == pytest.approx(-43.0, abs=0.1)


def test_nothing_has_no_level() -> None:
    levels = FrameLevels(1)
    levels.finish()
    assert levels.channel(0).loudest_second_dbfs() == -120.0
