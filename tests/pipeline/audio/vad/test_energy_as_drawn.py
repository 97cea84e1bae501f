"""Scores of drawn levels against a noise floor, at many settings, as they were."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipeline.audio.vad.energy import WINDOW_SAMPLES, EnergyDetector
from pipeline.config.areas.speech.voice_activity import EnergySettings
from tests.pinned import assert_pinned

GENERATOR = np.random.default_rng(7)
NOISE = GENERATOR.standard_normal(120 * WINDOW_SAMPLES)
STEPS_DBFS = GENERATOR.choice([-90.0, -62.0, -58.0, -54.0, -40.0, -30.0, -20.0], 120)
SOUND = (NOISE * np.repeat(10 ** (STEPS_DBFS / 20), WINDOW_SAMPLES)).astype(np.float32)


def lines_of_scores() -> Iterable[str]:
    for settings in (
        EnergySettings(),
        EnergySettings(floor_window_s=1.2),
        EnergySettings(floor_window_s=1.0, floor_percentile=30.0),
        EnergySettings(margin_db=3.0, slope_db=5.0),
        EnergySettings(min_level_dbfs=-57.0, floor_window_s=1.5),
    ):
        for samples in (0, 1, 511, 512, 513, 5 * WINDOW_SAMPLES + 200, len(SOUND)):
            stream = EnergyDetector(settings).stream()
            pushed = [stream.push(SOUND[start : min(start + 1000, samples)]) for start in range(0, samples, 1000)]
            scores = stream.finish()
            assert {part.dtype.name for part in (*pushed, scores)} == {"float32"}
            given = " ".join(f"{score:.3f}" for score in scores)
            yield f"{samples} samples, {sum(map(len, pushed))} at once: {given}"


def test_scores() -> None:
    assert_pinned("energy.txt", "\n".join(lines_of_scores()))
