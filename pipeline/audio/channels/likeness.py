"""Whether a stretch of one channel is a copy of another channel's sound: delayed, filtered, coded, with echo.

Compared is the fine structure of the spectrum: the harmonics of one voice at one moment, with the spectrum's envelope
taken out. A copy has the same harmonics at the same times, through a room, a line or a speech codec; another speaker
who says the same words has not. (Correlation of spectrograms as in audio fingerprints; the envelope is taken out as in
cepstral liftering: Bogert, Healy, Tukey 1963.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.records import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]
Frames = npt.NDArray[np.float64]

HOP_S = 0.01
_HOP = round(HOP_S * SAMPLE_RATE_HZ)
_WINDOW = 512
_BANDS = slice(4, 112)
"""Bins of 31 Hz from 125 to 3,500 Hz: the telephone band."""
_ENVELOPE_BINS = 11
_PAUSE_DB = 25.0
"""A frame this far below the stretch's loud ones says nothing of its voice."""
_LIMIT_DB = 15.0
_FEWEST_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Sound:
    """A stretch of a channel, frame by frame."""

    fine: Frames
    """Shape (frames, bands), in dB around the spectrum's envelope; 0 in pauses."""
    level_db: Frames
    """Shape (frames,)."""

    @property
    def active(self) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = np.asarray(self.fine.any(axis=1))
        return found


@dataclass(frozen=True, slots=True)
class Copy:
    """How far a stretch is a copy of another channel's."""

    likeness: float
    """Correlation of the fine structures at the best delay, -1..1. Measured: copies 0.3 to 0.8, independent 0.11."""
    delay_s: float
    """By how much it comes later than the other; below 0: earlier."""
    louder_db: float | None
    """By how much the other channel is louder; None where the two never sound together."""
    _source: Sound
    _own: Sound

    def within(self, start_s: float, end_s: float) -> float:
        """The likeness of a part, in seconds from the stretch's start."""
        part = _frames(start_s, end_s)
        return _correlation(self._source.fine[part], self._own.fine[part])

    def louder_within(self, start_s: float, end_s: float, share: float = 0.5) -> float | None:
        """By how much the other channel is louder in a part, in dB, or less in `share` of it (0..1: 0.5 is the median).

        None where nothing sounds there.
        """
        part = _frames(start_s, end_s)
        difference = (self._source.level_db - self._own.level_db)[part][self._own.active[part]]
        return float(np.quantile(difference, share)) if difference.size else None


def sound(samples: Samples) -> Sound:
    """Samples of shape (samples,), 16 kHz."""
    count = max(0, (samples.size - _WINDOW) // _HOP + 1)
    if not count:
        return Sound(np.zeros((0, _BANDS.stop - _BANDS.start)), np.zeros(0))
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP][:count]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW), axis=1))[:, _BANDS] ** 2
    level = 10.0 * np.log10(power.mean(axis=1) + 1e-12)
    spectrum = 10.0 * np.log10(power + 1e-10 * float(power.max()) + 1e-12)
    fine = np.clip(spectrum - _envelope(spectrum), -_LIMIT_DB, _LIMIT_DB)
    fine[level < np.percentile(level, 95) - _PAUSE_DB] = 0.0
    return Sound(fine, level)


def copy_of(source: Samples, own: Samples, reach_s: float) -> Copy | None:
    """How far `own` is a copy of `source`, which begins `reach_s` earlier and ends `reach_s` later.

    None where `own` is too short to tell.
    """
    around, alone = sound(source), sound(own)
    count = len(alone.fine)
    places = len(around.fine) - count + 1
    if count < _FEWEST_FRAMES or places < 1:
        return None
    length = 1 << (len(around.fine) + count).bit_length()
    spectra = np.fft.rfft(around.fine, length, axis=0) * np.conj(np.fft.rfft(alone.fine, length, axis=0))
    crossed = np.fft.irfft(spectra.sum(axis=1), length)[:places]
    energy = np.concatenate(([0.0], np.cumsum(np.square(around.fine).sum(axis=1))))
    norm = np.sqrt(np.maximum(energy[count:] - energy[:places], 1e-9) * max(float(np.square(alone.fine).sum()), 1e-9))
    scores = crossed / norm
    best = int(np.argmax(scores))
    heard = Sound(around.fine[best : best + count], around.level_db[best : best + count])
    together = heard.active & alone.active
    louder = float(np.median((heard.level_db - alone.level_db)[together])) if together.any() else None
    return Copy(float(scores[best]), reach_s - best * HOP_S, louder, heard, alone)


def _frames(start_s: float, end_s: float) -> slice:
    first = max(0, round(start_s / HOP_S))
    return slice(first, max(first + 1, round(end_s / HOP_S)))


def _envelope(spectrum: Frames) -> Frames:
    """Mean over the bands around each one."""
    half = _ENVELOPE_BINS // 2
    padded = np.pad(spectrum, ((0, 0), (half + 1, half)), mode="edge")
    total = np.cumsum(padded, axis=1)
    mean: Frames = (total[:, _ENVELOPE_BINS:] - total[:, :-_ENVELOPE_BINS]) / _ENVELOPE_BINS
    return mean


def _correlation(first: Frames, second: Frames) -> float:
    norm = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    return float((first * second).sum()) / norm if norm > 0.0 else 0.0
