"""How much of a segment counts as active, by the level of its frames."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engine import Samples
from pipeline.transcription.gates.activity import measure

SETTINGS = TrustGateSettings(silence_dbfs=-60, speech_over_floor_db=9)


def steady(*parts: tuple[int, float]) -> Samples:
    """Frames of 20 ms with their level in dBFS."""
    return np.concatenate(
        [np.full(frames * SAMPLE_RATE_HZ // 50, 10 ** (db / 20), dtype=np.float32) for frames, db in parts]
    )


@pytest.mark.parametrize(
    ("parts", "active_frames", "last_frame", "loudest_db", "dynamics_db"),
    [
        pytest.param([(50, -50), (40, -20), (10, -40)], 50, 100, -20, 30, id="9 dB over the floor"),
        pytest.param([(50, -50), (40, -20), (10, -42)], 40, 90, -20, 30, id="not quite 9 dB over the floor"),
        pytest.param([(50, -26), (40, -20), (10, -22)], 50, 100, -20, 6, id="over half of a small range"),
        pytest.param([(50, -26), (40, -20), (10, -24)], 40, 90, -20, 6, id="under half of a small range"),
        pytest.param([(50, -90), (40, -20), (10, -59)], 50, 100, -20, 70, id="over the level of silence"),
        pytest.param([(50, -90), (40, -20), (10, -61)], 40, 90, -20, 70, id="under the level of silence"),
        pytest.param([(100, -90)], 0, 0, -90, 0, id="silence"),
        pytest.param([(100, -140)], 0, 0, -120, 0, id="no lower than -120 dBFS"),
    ],
)
def test_active_frames(
    parts: list[tuple[int, float]], active_frames: int, last_frame: int, loudest_db: float, dynamics_db: float
) -> None:
    found = measure(steady(*parts), SETTINGS)
    assert found.duration_s == 2.0
    assert found.active_s == pytest.approx(active_frames * 0.02)
    assert found.last_active_s == pytest.approx(last_frame * 0.02)
    assert found.loudest_dbfs == pytest.approx(loudest_db, abs=0.01)
    assert found.dynamics_db == pytest.approx(dynamics_db, abs=0.01)


@pytest.mark.parametrize(
    ("moment_s", "tail_s"), [(0.0, 0.8), (0.9, 0.8), (1.0, 0.8), (1.3, 0.5), (1.8, 0.0), (2.0, 0.0)]
)
def test_active_seconds_after_a_moment_are_bounded(moment_s: float, tail_s: float) -> None:
    """40 active frames that end at 1.8 s."""
    assert measure(steady((50, -50), (40, -20), (10, -50)), SETTINGS).tail_after(moment_s) == pytest.approx(tail_s)


def test_a_last_frame_that_is_not_whole_is_left_out() -> None:
    samples = np.concatenate([steady((10, -50)), np.ones(100, dtype=np.float32)])
    assert measure(samples, SETTINGS).loudest_dbfs == pytest.approx(-50, abs=0.01)
    alone = measure(np.full(100, 0.1, dtype=np.float32), SETTINGS)
    assert alone.duration_s == 100 / SAMPLE_RATE_HZ
    assert alone.loudest_dbfs == pytest.approx(-20, abs=0.01)
