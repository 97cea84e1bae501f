"""Speech as level above the noise floor: the last fallback, which needs no model.

The floor is a low percentile of the level over the last seconds, the usual rule of energy detectors
(Rabiner and Sambur 1975, "An algorithm for determining the endpoints of isolated utterances").
Much worse than a trained detector in noise; any loud sound counts as speech.
"""

from __future__ import annotations

import numpy as np

from pipeline.audio.decoding.levels import decibels
from pipeline.audio.vad.detector import Samples, Scores, VoiceActivityStream
from pipeline.config.areas.speech.voice_activity import EnergySettings
from pipeline.records import SAMPLE_RATE_HZ

WINDOW_SAMPLES = 512


class EnergyDetector:
    """Level against a running noise floor."""

    name = "energy"
    step_samples = WINDOW_SAMPLES
    onset_lag_samples = 0
    onset_score: float | None = None

    def __init__(self, settings: EnergySettings) -> None:
        self._settings = settings

    def stream(self) -> VoiceActivityStream:
        return _EnergyStream(self._settings)


class _EnergyStream:
    """Keeps levels (32 ms each) and scores at the end: the floor needs the levels before and after."""

    def __init__(self, settings: EnergySettings) -> None:
        self._settings = settings
        self._rest = np.zeros(0, dtype=np.float32)
        self._levels: list[Samples] = []

    def push(self, samples: Samples) -> Scores:
        waiting = np.concatenate((self._rest, samples))
        whole = len(waiting) // WINDOW_SAMPLES * WINDOW_SAMPLES
        self._rest = waiting[whole:]
        self._take(waiting[:whole])
        return np.zeros(0, dtype=np.float32)

    def finish(self) -> Scores:
        if len(self._rest):
            self._take(np.pad(self._rest, (0, WINDOW_SAMPLES - len(self._rest))))
            self._rest = self._rest[:0]
        level = np.concatenate((*self._levels, np.zeros(0, dtype=np.float32)))
        if not len(level):
            return level
        settings = self._settings
        above = level - self._floor(level) - settings.margin_db
        score = 1.0 / (1.0 + np.exp(-np.clip(above / settings.slope_db, -30.0, 30.0)))
        score[level < settings.min_level_dbfs] = 0.0
        scores: Scores = score.astype(np.float32)
        return scores

    def _take(self, samples: Samples) -> None:
        windows = samples.reshape(-1, WINDOW_SAMPLES).astype(np.float64)
        self._levels.append(decibels(windows.var(axis=1)).astype(np.float32))

    def _floor(self, level: Samples) -> Samples:
        """Percentile over windows that overlap by half, interpolated between their middles."""
        width = max(1, round(self._settings.floor_window_s * SAMPLE_RATE_HZ / WINDOW_SAMPLES))
        starts = np.arange(0, max(1, len(level) - width // 2), max(1, width // 2))
        floors = [np.percentile(level[start : start + width], self._settings.floor_percentile) for start in starts]
        middles = np.minimum(starts + width / 2, len(level) - 1)
        return np.interp(np.arange(len(level)), middles, floors).astype(np.float32)
