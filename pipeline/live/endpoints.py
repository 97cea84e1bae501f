"""Where speech begins and ends, told while it comes in: `pipeline.audio.segments.find_speech`, score by score."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.audio.segments import Interval, samples_of
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings


class SpeechFinder:
    """Takes the scores of one track in any portions. All positions are samples at 16 kHz."""

    def __init__(self, step_samples: int, settings: VoiceActivitySettings) -> None:
        self._step = step_samples
        self._threshold = settings.threshold
        self._low = settings.neg_threshold
        self._min_silence = samples_of(settings.min_silence_ms)
        self._min_speech = samples_of(settings.min_speech_ms)
        self._quiet_from: int | None = None
        self.began: int | None = None
        """Where the speech begins that has not ended yet; None in silence."""
        self.heard = 0
        """Up to where there are scores."""

    @property
    def speaking_until(self) -> int:
        """Where the speech under way would end if nothing more came."""
        return self.heard if self._quiet_from is None else self._quiet_from

    @property
    def is_speech(self) -> bool:
        """Whether somebody speaks, and long enough to count."""
        return self.began is not None and self.speaking_until - self.began >= max(1, self._min_speech)

    def push(self, scores: npt.NDArray[np.float32]) -> list[Interval]:
        """The stretches of speech that end within these scores."""
        ended: list[Interval] = []
        for score in scores.tolist():
            sample, self.heard = self.heard, self.heard + self._step
            if score >= self._threshold:
                self._quiet_from = None
                self.began = sample if self.began is None else self.began
            elif self.began is not None and score < self._low:
                self._quiet_from = sample if self._quiet_from is None else self._quiet_from
                if self.heard - self._quiet_from >= self._min_silence:
                    ended += self._end(self._quiet_from)
        return ended

    def cut(self, sample: int) -> None:
        """What was said before `sample` is done with: the speech under way begins there."""
        if self.began is not None:
            self.began = sample

    def finish(self, total_samples: int) -> list[Interval]:
        """The speech that the end of the track ends; `total_samples`: its length."""
        return self._end(min(total_samples, self.speaking_until))

    def _end(self, sample: int) -> list[Interval]:
        began, self.began, self._quiet_from = self.began, None, None
        if began is None or sample - began < max(1, self._min_speech):
            return []
        return [Interval(began, sample)]
