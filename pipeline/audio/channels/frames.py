"""Overlapping windows of a stream of samples, and their spectra, whatever blocks the stream comes in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.records import SAMPLE_RATE_HZ

Spectra = npt.NDArray[np.float32]
"""Power, shape (frames, bins); a sine of amplitude 1 sums to 0.5 over its bins."""


class SpectrumStream:
    """Hann-windowed power spectra every `hop` samples, of loud windows only.

    Frame i covers samples i * hop to i * hop + window. `hop` must divide `window`.
    """

    def __init__(self, window: int, hop: int, least_dbfs: float) -> None:
        self.window = window
        self.hop = hop
        self._least_power = 10.0 ** (least_dbfs / 10.0)
        self.bin_hz = SAMPLE_RATE_HZ / window
        weights = np.hanning(window + 1)[:-1]
        self._weights = weights.astype(np.float32)
        self._scale = np.float32(2.0 / (window * float(np.sum(weights**2))))
        self._rest = np.zeros(0, dtype=np.float32)

    def push(self, samples: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.bool_], Spectra]:
        """Which of the windows that `samples` complete are loud, and the spectra of those."""
        import scipy.fft

        waiting = np.concatenate((self._rest, samples))
        frames = max(0, (len(waiting) - self.window) // self.hop + 1)
        self._rest = waiting[frames * self.hop :]
        if not frames:
            return np.zeros(0, dtype=np.bool_), np.zeros((0, self.window // 2 + 1), dtype=np.float32)
        parts = self.window // self.hop
        hops = waiting[: (frames + parts - 1) * self.hop].reshape(-1, self.hop)
        power_of_hops = np.einsum("fs,fs->f", hops, hops) / self.hop
        power = sum(power_of_hops[part : part + frames] for part in range(parts)) / parts
        loud = np.asarray(power > self._least_power)
        view = np.lib.stride_tricks.sliding_window_view(waiting, self.window)[:: self.hop][:frames][loud]
        transformed = scipy.fft.rfft(view * self._weights, axis=1)
        spectra: Spectra = transformed.real**2 + transformed.imag**2
        return loud, spectra * self._scale

    def bins(self, low_hz: float, high_hz: float) -> slice:
        """Bins whose centre lies within a band."""
        return slice(int(np.ceil(low_hz / self.bin_hz)), int(np.floor(high_hz / self.bin_hz)) + 1)


def peak_hz(spectra: Spectra, band: slice, bin_hz: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The strongest bin of `band` in each frame, and its frequency by parabolic interpolation of the log power.

    (Smith and Serra 1987, "PARSHL".) A peak on the border of the band is not interpolated.
    """
    best = np.argmax(spectra[:, band], axis=1) + band.start
    rows = np.arange(len(spectra))
    inner = np.clip(best, 1, spectra.shape[1] - 2)
    left, middle, right = (np.log(spectra[rows, inner + step].astype(np.float64) + 1e-20) for step in (-1, 0, 1))
    curvature = left - 2.0 * middle + right
    shift = np.where(curvature < 0.0, 0.5 * (left - right) / np.where(curvature < 0.0, curvature, -1.0), 0.0)
    return best, (inner + np.clip(shift, -0.5, 0.5)) * bin_hz


def around(spectra: Spectra, centre: npt.NDArray[np.int64], reach: int) -> npt.NDArray[np.float64]:
    """Energy of each frame within `reach` bins of its `centre`."""
    places = np.clip(centre[:, None] + np.arange(-reach, reach + 1), 0, spectra.shape[1] - 1)
    energy: npt.NDArray[np.float64] = np.take_along_axis(spectra, places, axis=1).sum(axis=1, dtype=np.float64)
    return energy


def runs(wanted: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, one past the last) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], wanted.astype(np.int8), [0]))))
    return [(first, end) for first, end in edges.reshape(-1, 2).tolist()]
