"""Key tones (DTMF) and ringing: pure tones at known frequencies, held long enough.

Key tones: the eight frequencies of ITU-T Q.23, pairwise, with limits after Q.24. Ringback, dial and busy tones:
the frequencies listed in ITU-T E.180 supplement 2. Both require that nearly all energy lies in the tones, at the right
frequency, for a whole burst; speech changes its pitch and has more harmonics than that.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.audio.channels.frames import Spectra, SpectrumStream, around, peak_hz, runs
from pipeline.audio.segments import Interval
from pipeline.config.areas.audio import ToneSettings
from pipeline.records import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]

KEY_LOW_HZ = np.array([697.0, 770.0, 852.0, 941.0])
KEY_HIGH_HZ = np.array([1209.0, 1336.0, 1477.0, 1633.0])
_KEY_WINDOW, _KEY_HOP = 512, 256
_RINGING_WINDOW, _RINGING_HOP = 2048, 512
"""128 ms are enough to tell 440 from 480 Hz."""
_LARGEST_TWIST_DB = 12.0
_LEAST_HZ = 100.0
"""Mains hum below this counts as nothing."""
_LOBE_BINS = 2
"""Half of a Hann window's main lobe."""
_STEADY_DB = 2.0
"""The level of a burst of ringing stays within this, in frames that lie wholly in it."""
_WEAKER_TONE_DB = 15.0
_COARSE_PURITY = 0.8
_COARSE_MARGIN_HZ = 50.0


class ToneScan:
    """Hears a whole channel: finds key tones, and where ringing is worth a closer look."""

    def __init__(self, settings: ToneSettings) -> None:
        self._settings = settings
        self._stream = SpectrumStream(_KEY_WINDOW, _KEY_HOP, settings.min_level_dbfs)
        self._keys: list[npt.NDArray[np.int8]] = []
        self._narrow: list[npt.NDArray[np.bool_]] = []

    def push(self, samples: Samples) -> None:
        loud, spectra = self._stream.push(samples)
        keys = np.full(len(loud), -1, dtype=np.int8)
        narrow = np.zeros(len(loud), dtype=np.bool_)
        if len(spectra):
            total = spectra[:, self._stream.bins(_LEAST_HZ, SAMPLE_RATE_HZ / 2)].sum(axis=1, dtype=np.float64)
            keys[loud] = self._identify(spectra, total)
            narrow[loud] = self._narrow_band(spectra, total)
        self._keys.append(keys)
        self._narrow.append(narrow)

    def key_tones(self) -> list[Interval]:
        """Stretches of at least `key_min_ms` in which one key sounds, in time order."""
        if not self._keys:
            return []
        keys = np.concatenate(self._keys)
        shortest = self._settings.key_min_ms / 1000 * SAMPLE_RATE_HZ
        found = [_stretch(run, _KEY_WINDOW, _KEY_HOP) for key in range(16) for run in runs(keys == key)]
        return sorted(stretch for stretch in found if stretch.length >= shortest)

    def ringing_candidates(self) -> list[Interval]:
        """Stretches in which nearly all sound lies where ringing tones are."""
        if not self._narrow:
            return []
        shortest = self._settings.ringing_min_ms / 1000 * SAMPLE_RATE_HZ
        found = (_stretch(run, _KEY_WINDOW, _KEY_HOP) for run in runs(np.concatenate(self._narrow)))
        return [
            Interval(max(0, stretch.start - _RINGING_WINDOW), stretch.end + _RINGING_WINDOW)
            for stretch in found
            if stretch.length >= shortest
        ]

    def _narrow_band(self, spectra: Spectra, total: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        tones = [tone for together in self._settings.ringing_frequencies_hz for tone in together]
        if not tones:
            return np.zeros(len(spectra), dtype=np.bool_)
        band = self._stream.bins(min(tones) - _COARSE_MARGIN_HZ, max(tones) + _COARSE_MARGIN_HZ)
        narrow: npt.NDArray[np.bool_] = spectra[:, band].sum(axis=1) >= _COARSE_PURITY * total
        return narrow

    def _identify(self, spectra: Spectra, total: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
        """The key (0..15) heard in each frame, or -1."""
        stream, settings = self._stream, self._settings
        low_bin, low_hz = peak_hz(spectra, stream.bins(640.0, 1000.0), stream.bin_hz)
        high_bin, high_hz = peak_hz(spectra, stream.bins(1130.0, 1720.0), stream.bin_hz)
        low, high = around(spectra, low_bin, _LOBE_BINS), around(spectra, high_bin, _LOBE_BINS)
        row, row_error = _nearest(low_hz, KEY_LOW_HZ)
        column, column_error = _nearest(high_hz, KEY_HIGH_HZ)
        twist = np.abs(10.0 * np.log10((low + 1e-20) / (high + 1e-20)))
        heard = (
            (low + high >= settings.key_purity * total)
            & (twist <= _LARGEST_TWIST_DB)
            & (row_error <= settings.key_tolerance)
            & (column_error <= settings.key_tolerance)
        )
        return np.where(heard, row * 4 + column, -1).astype(np.int8)


def find_ringing(samples: Samples, settings: ToneSettings) -> list[Interval]:
    """Bursts of ringback, dial or busy tone of at least `ringing_min_ms` at a steady level."""
    stream = SpectrumStream(_RINGING_WINDOW, _RINGING_HOP, settings.min_level_dbfs)
    loud, spectra = stream.push(samples)
    if not len(spectra):
        return []
    total = spectra[:, stream.bins(_LEAST_HZ, SAMPLE_RATE_HZ / 2)].sum(axis=1, dtype=np.float64)
    pure = np.zeros(len(spectra), dtype=np.bool_)
    for frequencies in settings.ringing_frequencies_hz:
        pure |= _holds(spectra, total, frequencies, stream, settings)
    heard, levels = np.zeros(len(loud), dtype=np.bool_), np.zeros(len(loud))
    heard[loud], levels[loud] = pure, 10.0 * np.log10(total + 1e-20)
    found = []
    for first, last in runs(heard):
        stretch = _stretch((first, last), _RINGING_WINDOW, _RINGING_HOP)
        within = levels[first + 2 : last - 2] if last - first > 6 else levels[first:last]
        long_enough = stretch.length >= settings.ringing_min_ms / 1000 * SAMPLE_RATE_HZ
        if long_enough and float(np.std(within)) <= _STEADY_DB:
            found.append(stretch)
    return found


def _holds(
    spectra: Spectra,
    total: npt.NDArray[np.float64],
    frequencies: tuple[float, ...],
    stream: SpectrumStream,
    settings: ToneSettings,
) -> npt.NDArray[np.bool_]:
    """Frames in which exactly these frequencies sound together."""
    reach = settings.ringing_tolerance_hz + stream.bin_hz
    right = np.ones(len(spectra), dtype=np.bool_)
    energies = []
    for frequency in frequencies:
        best, measured = peak_hz(spectra, stream.bins(frequency - reach, frequency + reach), stream.bin_hz)
        right &= np.abs(measured - frequency) <= settings.ringing_tolerance_hz
        energies.append(around(spectra, best, _LOBE_BINS))
    weakest, strongest = np.min(energies, axis=0), np.max(energies, axis=0)
    right &= weakest >= strongest * 10.0 ** (-_WEAKER_TONE_DB / 10.0)
    right &= np.sum(energies, axis=0) >= settings.ringing_purity * total
    return right


def _stretch(run: tuple[int, int], window: int, hop: int) -> Interval:
    return Interval(run[0] * hop, (run[1] - 1) * hop + window)


def _nearest(
    measured: npt.NDArray[np.float64], nominal: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Index of the nearest nominal frequency, and the relative deviation from it."""
    index = np.argmin(np.abs(measured[:, None] - nominal), axis=1)
    return index, np.abs(measured - nominal[index]) / nominal[index]
