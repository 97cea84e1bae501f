"""Hold music: spectral lines that stand still for a while, as notes do and voices do not.

Continuous frequency activation (Seyerlehner, Pohle, Schedl, Widmer 2007, "Automatic music detection in television
productions", DAFx-07): a frame's spectrum less its running mean over frequency is made binary. A bin's activation is
the share of frames in which it is on, over blocks of some seconds. The sum of the five most prominent peaks of the
activation says how much stands still. Lines that stand still all the time (hum) are left out.
Only stretches that are loud and in which voice activity hears little speech are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pipeline.audio.channels.frames import Spectra, SpectrumStream, runs
from pipeline.audio.decoding.levels import FRAME_SAMPLES
from pipeline.audio.segments import Interval
from pipeline.config.areas.audio import MusicSettings
from pipeline.records import SAMPLE_RATE_HZ

_WINDOW, _HOP = 2048, 512
_LOW_HZ, _HIGH_HZ = 150.0, 3400.0
_SMOOTHING_BINS = 29
"""Some 225 Hz, as in the paper."""
_LINE_DB = 6.0
"""A bin this far above the mean around it is on."""
_HALF_BLOCK = 40
"""Frames; activation is taken over two of them, 2.56 s."""
_PEAKS = 5
_HUM_SHARE = 0.8
"""A bin that is on for more than this share of a stretch is hum."""
_LOUD_SHARE = 0.4
"""Share of a second's 10 ms frames, and of a half-block's frames, that must be loud enough."""


def music_candidates(power: npt.NDArray[np.float64], speech: list[Interval], settings: MusicSettings) -> list[Interval]:
    """Stretches of at least `min_s` that are loud and hold little speech; `power` is the mean square of each 10 ms."""
    per_second = SAMPLE_RATE_HZ // FRAME_SAMPLES
    seconds = len(power) // per_second
    if not seconds:
        return []
    spoken = np.zeros(len(power), dtype=np.bool_)
    for interval in speech:
        spoken[interval.start // FRAME_SAMPLES : -(-interval.end // FRAME_SAMPLES)] = True
    loud = power > 10.0 ** (settings.min_level_dbfs / 10.0)
    loud_share = loud[: seconds * per_second].reshape(seconds, per_second).mean(axis=1)
    speech_share = spoken[: seconds * per_second].reshape(seconds, per_second).mean(axis=1)
    # A detector takes a sung or plucked moment for speech: judge the neighbourhood, not each second.
    width = max(1, min(seconds, round(settings.min_s)))
    smooth = np.convolve(speech_share, np.full(width, 1.0 / width), mode="same")
    wanted = (loud_share >= _LOUD_SHARE) & (smooth <= settings.max_speech_share)
    return [
        Interval(first * SAMPLE_RATE_HZ, last * SAMPLE_RATE_HZ)
        for first, last in runs(wanted)
        if last - first >= settings.min_s
    ]


def find_music(blocks: Iterable[npt.NDArray[np.float32]], settings: MusicSettings) -> list[Interval]:
    """Stretches of at least `min_s` in which lines stand still; places count from the first sample of `blocks`."""
    musical = activation(blocks, settings) >= settings.threshold
    joined: list[list[int]] = []
    for first, last in runs(musical):
        if joined and first - joined[-1][1] <= 2:
            joined[-1][1] = last + 1
        else:
            joined.append([first, last + 1])
    step = _HOP * _HALF_BLOCK
    found = [Interval(first * step, last * step) for first, last in joined]
    return [stretch for stretch in found if stretch.length >= settings.min_s * SAMPLE_RATE_HZ]


def activation(blocks: Iterable[npt.NDArray[np.float32]], settings: MusicSettings) -> npt.NDArray[np.float64]:
    """How much stands still, 0 to 5; value i covers the half-blocks (1.28 s) i and i + 1."""
    stream = SpectrumStream(_WINDOW, _HOP, settings.min_level_dbfs)
    band = stream.bins(_LOW_HZ, _HIGH_HZ)
    width = band.stop - band.start
    rest = np.zeros((0, width), dtype=np.bool_)
    counts = []
    for block in blocks:
        loud, spectra = stream.push(block)
        on = np.zeros((len(loud), width), dtype=np.bool_)
        if len(spectra):
            on[loud] = _lines(spectra[:, band])
        rest = np.concatenate((rest, on))
        halves = len(rest) // _HALF_BLOCK
        whole = rest[: halves * _HALF_BLOCK].reshape(halves, _HALF_BLOCK, width)
        counts.append(whole.sum(axis=1, dtype=np.float32) / np.float32(_HALF_BLOCK))
        rest = rest[halves * _HALF_BLOCK :]
    halves_on = np.concatenate(counts) if counts else np.zeros((0, width), dtype=np.float32)
    if len(halves_on) < 2:
        return np.zeros(0)
    hum = halves_on.mean(axis=0) > _HUM_SHARE
    halves_on[:, np.convolve(hum, np.ones(5), mode="same") > 0] = 0.0
    return np.array([_prominence(block) for block in (halves_on[:-1] + halves_on[1:]) / 2.0])


def _lines(power: Spectra) -> npt.NDArray[np.bool_]:
    """Which bins stand out from their surroundings, shape (frames, bins)."""
    db = 10.0 * np.log10(power + 1e-14)
    reach = _SMOOTHING_BINS // 2
    padded = np.pad(db, ((0, 0), (reach + 1, reach)), mode="edge")
    total = np.cumsum(padded, axis=1, dtype=np.float64)
    mean = (total[:, _SMOOTHING_BINS:] - total[:, :-_SMOOTHING_BINS]) / _SMOOTHING_BINS
    lines: npt.NDArray[np.bool_] = db - mean > _LINE_DB
    return lines


def _prominence(block: npt.NDArray[np.float32]) -> float:
    """Sum of the five most prominent peaks of an activation."""
    if float(block.max(initial=0.0)) < 0.2:
        return 0.0
    import scipy.signal

    peaks, properties = scipy.signal.find_peaks(np.pad(block, 1), prominence=0.1)
    return float(np.sort(properties["prominences"])[-_PEAKS:].sum()) if len(peaks) else 0.0
