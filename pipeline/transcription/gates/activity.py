"""How much of a segment sounds like speech, by frame energies alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SAMPLE_RATE_HZ
from pipeline.transcription.engine import Samples

FRAME_S = 0.02
_FRAME = round(SAMPLE_RATE_HZ * FRAME_S)
_LOWEST_DBFS = -120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Of one segment; levels are RMS of 20 ms frames in dBFS (full-scale square wave = 0)."""

    duration_s: float
    active_s: float
    """Seconds of frames that are loud enough and stand out from the segment's own floor."""
    loudest_dbfs: float
    """95th percentile."""
    dynamics_db: float
    """95th less 5th percentile."""
    last_active_s: float
    """End of the last active frame, from the segment's start."""

    def tail_after(self, seconds: float) -> float:
        """Upper bound of active seconds after a moment."""
        return max(0.0, min(self.active_s, self.last_active_s - seconds))


def measure(samples: Samples, settings: TrustGateSettings) -> Activity:
    """Activity of a mono segment, shape (samples,)."""
    levels = frame_levels(samples)
    duration_s = samples.size / SAMPLE_RATE_HZ
    if levels.size == 0:
        return Activity(
            duration_s=duration_s,
            active_s=0.0,
            loudest_dbfs=_LOWEST_DBFS,
            dynamics_db=0.0,
            last_active_s=0.0,
        )
    low, high = (float(value) for value in np.percentile(levels, (5, 95)))
    # A segment that is all speech has a high floor of its own: never require more than half its range.
    threshold = max(settings.silence_dbfs, min(low + settings.speech_over_floor_db, (low + high) / 2))
    active = np.flatnonzero(levels > threshold)
    return Activity(
        duration_s=duration_s,
        active_s=active.size * FRAME_S,
        loudest_dbfs=high,
        dynamics_db=high - low,
        last_active_s=(int(active[-1]) + 1) * FRAME_S if active.size else 0.0,
    )


def frame_levels(samples: Samples) -> npt.NDArray[np.float64]:
    """RMS level of each 20 ms frame in dBFS, shape (frames,); a shorter last one is left out unless it is alone."""
    if samples.size == 0:
        return np.zeros(0, dtype=np.float64)
    usable = samples.size - samples.size % _FRAME or samples.size
    frames = samples[:usable].astype(np.float64).reshape(-1, min(_FRAME, usable))
    power = np.mean(np.square(np.nan_to_num(frames)), axis=1)
    levels: npt.NDArray[np.float64] = 10.0 * np.log10(np.maximum(power, 10.0 ** (_LOWEST_DBFS / 10.0)))
    return levels


def quiet_cut(samples: Samples) -> int:
    """Sample at which to cut in two: the quietest 100 ms of the middle half."""
    levels = frame_levels(samples)
    width = 5
    begin, end = levels.size // 4, levels.size - levels.size // 4
    if end - begin <= width:
        return samples.size // 2
    smooth = np.convolve(10.0 ** (levels[begin:end] / 10.0), np.ones(width), mode="valid")
    return (begin + int(np.argmin(smooth)) + width // 2) * _FRAME + _FRAME // 2
