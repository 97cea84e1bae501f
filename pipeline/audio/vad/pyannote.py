"""pyannote.audio's segmentation model as a voice activity detector (Bredin and Laurent 2021; Plaquet and Bredin 2023).

The model hears windows of a fixed length (10 s) and scores short frames. Windows overlap: each starts a share of their
length after the one before. A moment's probability is the weighted mean over the windows that cover it. A window counts
most for moments in its middle (a Hamming window, as in the package's own inference). The probability of speech is one
minus that of the empty set for models of speaker sets, and the likeliest speaker's for other models.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.audio.vad.detector import Samples, Scores, VoiceActivityStream
from pipeline.config.areas.speech.voice_activity import PyannoteDetectorSettings
from pipeline.errors import ModelUnavailable
from pipeline.records import SAMPLE_RATE_HZ

STEP_SAMPLES = 320
SETTING = "voice_activity.pyannote"


class PyannoteDetector:
    """Loads the segmentation model of a pyannote pipeline."""

    name = "pyannote"
    step_samples = STEP_SAMPLES
    onset_lag_samples = 0
    onset_score: float | None = None

    def __init__(self, settings: PyannoteDetectorSettings) -> None:
        from pipeline.diarisation.checkpoints import load_segmentation

        model = load_segmentation(settings, SETTING)
        duration_s = float(model.specifications.duration)
        self._model = model
        self._steps = int(duration_s * SAMPLE_RATE_HZ) // STEP_SAMPLES
        self._hop_steps = max(1, round(self._steps * settings.window_step_share))
        self._windows_per_run = settings.windows_per_run
        if int(model.hparams.sample_rate) != SAMPLE_RATE_HZ or not self._steps:
            raise ModelUnavailable(
                f"{SETTING}.model: hears {model.hparams.sample_rate} Hz in windows of {duration_s:g} s; "
                f"{SAMPLE_RATE_HZ} Hz and at least one step of {STEP_SAMPLES} samples are wanted"
            )

    def stream(self) -> VoiceActivityStream:
        return _PyannoteStream(self, self._steps, self._hop_steps, self._windows_per_run)

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Probability of speech of each step: (windows, samples) to (windows, steps)."""
        import torch

        model = self._model
        with torch.inference_mode():
            answer: Any = model(torch.from_numpy(windows)[:, None].to(model.device)).float().cpu().numpy()
        frames = 1.0 - np.exp(answer[..., 0]) if model.specifications.powerset else answer.max(axis=-1)
        field = model.receptive_field
        middles = field.start + field.duration / 2 + field.step * np.arange(frames.shape[1])
        steps = (np.arange(windows.shape[1] // STEP_SAMPLES) + 0.5) * STEP_SAMPLES / SAMPLE_RATE_HZ
        return np.stack([np.interp(steps, middles, row) for row in frames])


class _PyannoteStream:
    """Windows have fixed places, so scores do not depend on the size of the blocks."""

    def __init__(self, detector: PyannoteDetector, steps: int, hop_steps: int, windows_per_run: int) -> None:
        self._detector = detector
        self._steps = steps
        self._hop = hop_steps
        self._windows_per_run = windows_per_run
        self._weight = np.hamming(steps) if steps > 1 else np.ones(1)
        self._rest = np.zeros(0, dtype=np.float32)
        self._sum = np.zeros(steps)
        self._weights = np.zeros(steps)
        self._given = 0
        self._heard = 0

    def push(self, samples: Samples) -> Scores:
        self._heard += len(samples)
        self._rest = np.concatenate((self._rest, samples))
        return self._emit(self._whole_windows())

    def finish(self) -> Scores:
        left = -(-self._heard // STEP_SAMPLES) - self._given
        if left <= 0:
            return np.zeros(0, dtype=np.float32)
        # Silence up to the last window that begins before the end; scores of the padding are not returned.
        windows = -(-max(0, left - self._steps) // self._hop) + 1
        wanted = ((windows - 1) * self._hop + self._steps) * STEP_SAMPLES
        self._rest = np.pad(self._rest, (0, wanted - len(self._rest)))
        given = self._emit(windows)
        tail = self._mean(self._steps)
        return np.concatenate((given, tail))[:left]

    def _whole_windows(self) -> int:
        beyond_first = len(self._rest) // STEP_SAMPLES - self._steps
        return 0 if beyond_first < 0 else beyond_first // self._hop + 1

    def _emit(self, windows: int) -> Scores:
        """Hear the next windows; return the steps that no later window covers."""
        given: list[Scores] = [np.zeros(0, dtype=np.float32)]
        length, hop = self._steps * STEP_SAMPLES, self._hop * STEP_SAMPLES
        for first in range(0, windows, self._windows_per_run):
            count = min(self._windows_per_run, windows - first)
            heard = np.stack([self._rest[i * hop : i * hop + length] for i in range(count)])
            for scores in self._detector.scores(heard):
                self._sum += scores * self._weight
                self._weights += self._weight
                given.append(self._mean(self._hop))
                self._sum = np.concatenate((self._sum[self._hop :], np.zeros(self._hop)))
                self._weights = np.concatenate((self._weights[self._hop :], np.zeros(self._hop)))
            self._rest = self._rest[count * hop :].copy()
        joined = np.concatenate(given)
        self._given += len(joined)
        return joined

    def _mean(self, count: int) -> Scores:
        weights = self._weights[:count]
        mean: Scores = np.divide(self._sum[:count], weights, out=np.zeros(len(weights)), where=weights > 0).astype(
            np.float32
        )
        return mean
