"""Acoustic features of one chunk: what each is, in which unit, from where.

All sound is brought to 8 kHz and read between 150 and 3,500 Hz, so that a wide-band and a telephone recording of the
same voice look alike. Every feature comes from one set of frames (32 ms, every 10 ms) and is level-free except
`level_db`, which only means something next to other chunks of the same speaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

FEATURE_VERSION = "1"
"""Changed when a feature keeps its name but its numbers change: models of another version are refused."""
RATE_HZ = 8_000
FRAME = 256
"""Samples, 32 ms."""
HOP = 80
"""Samples, 10 ms."""
FFT = 512
FRAMES_PER_S = RATE_HZ / HOP
BAND_HZ = (150.0, 3_500.0)
PITCH_HZ = (70.0, 500.0)
MELS = 24
COEFFICIENTS = 13
VOICED = 0.45
"""Least height of the normalised autocorrelation peak for a voiced frame; Boersma 1993 uses 0.45."""
FLOOR_DB = 45.0
"""Spectral bands this far under the frame's peak count as empty: µ-law's quantisation noise is about 38 dB down."""
PAUSE_DB = 31.5
"""Frames this far under the loudest tenth count as pause."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One number in the vector."""

    name: str
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class ChunkFeatures:
    """Features of one chunk, or why there are none."""

    values: Array | None
    """Shape (len(FEATURES),), float64."""
    reason: str | None = None
    voiced_s: float = 0.0
    """Seconds of voiced sound in the chunk."""


_FUNCTIONALS = ("mean", "std", "p10", "p50", "p90")

_CONTOURS: tuple[tuple[str, str, str], ...] = (
    ("pitch", "semitones re 27.5 Hz", "autocorrelation peak of voiced frames, Boersma 1993; semitones as in eGeMAPS"),
    ("harmonicity", "dB", "harmonics-to-noise ratio from the same peak, Boersma 1993"),
    ("loudness", "dB re loudest tenth", "frame energy within the chunk, librosa rms"),
    ("centroid", "Hz", "librosa spectral_centroid"),
    ("bandwidth", "Hz", "librosa spectral_bandwidth"),
    ("rolloff", "Hz", "frequency under which 85 % of the power lies, librosa spectral_rolloff"),
    ("flatness", "dB", "geometric over arithmetic mean of the power, librosa spectral_flatness"),
    ("flux", "dB", "change of the mel spectrum from frame to frame, Scheirer & Slaney 1997"),
    ("slope_low", "dB/kHz", "regression line of the spectrum 150-1000 Hz, eGeMAPS (Eyben 2016)"),
    ("slope_high", "dB/kHz", "regression line of the spectrum 1000-3500 Hz, eGeMAPS (Eyben 2016)"),
    ("alpha_ratio", "dB", "power 150-1000 over 1000-3500 Hz, eGeMAPS (Eyben 2016)"),
    ("hammarberg", "dB", "peak 150-2000 over peak 2000-3500 Hz, Hammarberg 1980"),
    *((f"mfcc{number}", "1", "librosa mfcc (DCT-II, ortho) of 24 mel bands 150-3500 Hz") for number in range(1, 14)),
)
_DELTAS: tuple[tuple[str, str, str], ...] = (
    ("pitch_change", "semitones/s", "mean absolute slope of pitch inside voiced stretches"),
    ("loudness_rise", "dB/s", "mean positive slope of loudness"),
    ("loudness_fall", "dB/s", "mean negative slope of loudness"),
    *((f"mfcc{number}_change", "1/s", "mean absolute librosa delta") for number in range(1, 14)),
)
_RHYTHM: tuple[tuple[str, str, str], ...] = (
    ("level_db", "dBFS", "loudest tenth of frames; meaningful against the same speaker only"),
    ("pitch_range", "semitones", "95th minus 5th percentile of pitch"),
    ("pitch_trend", "semitones/s", "regression line of pitch over the chunk"),
    ("loudness_trend", "dB/s", "regression line of loudness over the chunk"),
    ("voiced_share", "1", "voiced frames among frames with speech"),
    ("pause_share", "1", "frames without speech between first and last speech"),
    ("voiced_rate", "1/s", "voiced stretches per second, a measure of speaking rate (eGeMAPS)"),
    ("voiced_length_mean", "s", "mean length of voiced stretches (eGeMAPS)"),
    ("voiced_length_std", "s", "deviation of their lengths (eGeMAPS)"),
    ("peak_rate", "1/s", "loudness peaks per second: syllable nuclei, after de Jong & Wempe 2009"),
    ("modulation_slow", "1", "share of the loudness modulation at 0.5-3 Hz"),
    ("modulation_syllable", "1", "share of the loudness modulation at 3-8 Hz (syllables)"),
    ("jitter", "1", "mean relative change of period between neighbouring voiced frames"),
    ("shimmer", "dB", "mean change of level between neighbouring voiced frames"),
)

FEATURES: tuple[Feature, ...] = (
    *(Feature(f"{name}_{how}", unit, source) for name, unit, source in _CONTOURS for how in _FUNCTIONALS),
    *(Feature(*row) for row in _DELTAS),
    *(Feature(*row) for row in _RHYTHM),
)
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


@cache
def _tables() -> dict[str, Any]:
    """Constant tables; read-only after they are made."""
    window = np.hanning(FRAME + 1)[:-1]
    lags = np.fft.irfft(np.abs(np.fft.rfft(window, FFT)) ** 2)[: FFT // 2]
    frequencies = np.fft.rfftfreq(FFT, 1 / RATE_HZ)
    inside = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    return {
        "window": window,
        "window_lags": lags / lags[0],
        "inside": inside,
        "hz": frequencies[inside],
        "mel": mel_filters().astype(np.float64),
    }


def mel_filters() -> npt.NDArray[np.float32]:
    """Triangular filters on HTK's mel scale, of equal area; shape (bands, frequencies).

    As `librosa.filters.mel`, bit by bit; importing librosa takes two processor seconds, at every start.
    """
    lowest, highest = (2595.0 * np.log10(1.0 + edge / 700.0) for edge in BAND_HZ)
    edges = 700.0 * (10.0 ** (np.linspace(lowest, highest, MELS + 2) / 2595.0) - 1.0)
    ramps = np.subtract.outer(edges, np.fft.rfftfreq(FFT, 1 / RATE_HZ))
    widths = np.diff(edges)[:, None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    filters: npt.NDArray[np.float32] = triangles.astype(np.float32)
    filters *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters


def change_per_s(contours: Array) -> Array:
    """Slope of the line through five frames (least squares), as `librosa.feature.delta`; shape (frames, contours)."""
    from scipy.ndimage import correlate1d

    slope = np.asarray([-2.0, -1.0, 0.0, 1.0, 2.0]) / 10
    return np.asarray(correlate1d(contours, slope, axis=0, mode="nearest") * FRAMES_PER_S)


def to_8_khz(samples: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
    """Resampled by soxr; samples at 8 kHz pass unchanged."""
    if rate_hz == RATE_HZ:
        return samples
    import soxr

    resampled: npt.NDArray[np.float32] = soxr.resample(samples, rate_hz, RATE_HZ, quality="MQ")
    return resampled


def chunk_features(
    samples: npt.NDArray[np.float32], *, silence_dbfs: float = -60.0, min_voiced_ms: int = 100, min_ms: int = 400
) -> ChunkFeatures:
    """Features of one stretch of one voice.

    Args:
        samples: mono, 8 kHz, about -1..1, shape (samples,).
        silence_dbfs: under this level (loudest tenth of frames) there is no voice.
        min_voiced_ms: least voiced sound.
        min_ms: least length.
    """
    if samples.size < max(FRAME + 4 * HOP, min_ms * RATE_HZ / 1000):
        return ChunkFeatures(None, f"shorter than {min_ms} ms")
    tables = _tables()
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP].astype(np.float64)
    frames = frames - frames.mean(axis=1, keepdims=True)
    energy_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    level_db = float(np.percentile(energy_db, 90))
    if not np.isfinite(level_db) or level_db < silence_dbfs:
        return ChunkFeatures(None, "silence")
    spectrum = np.abs(np.fft.rfft(frames * tables["window"], FFT)) ** 2
    speech = energy_db > level_db - PAUSE_DB
    height, period = _pitch(spectrum, tables)
    voiced = speech & (height > VOICED)
    voiced_s = float(voiced.sum() / FRAMES_PER_S)
    if voiced.sum() < 3 or voiced_s * 1000 < min_voiced_ms:
        return ChunkFeatures(None, f"less than {min_voiced_ms} ms of voice", voiced_s)
    contours, deltas = _contours(spectrum[:, tables["inside"]], spectrum, energy_db - level_db, tables)
    pitch = 12 * np.log2(RATE_HZ / period / 27.5)
    harmonicity = 10 * np.log10(height.clip(1e-3, 0.999) / (1 - height.clip(1e-3, 0.999)))
    values = np.concatenate(
        [
            _functionals([pitch[voiced], harmonicity[voiced]]),
            _functionals([contour[speech] for contour in contours]),
            _changes(pitch, voiced, energy_db, speech, deltas),
            _rhythm(pitch, period, energy_db, level_db=level_db, speech=speech, voiced=voiced),
        ]
    )
    return ChunkFeatures(np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), None, voiced_s)


def _pitch(spectrum: Array, tables: dict[str, Any]) -> tuple[Array, Array]:
    """Height (0..1) and place (samples) of the autocorrelation peak of each frame, by parabolic interpolation.

    Boersma 1993: the autocorrelation of the windowed frame divided by that of the window, short lags favoured a
    little against octave errors.
    """
    lags = np.fft.irfft(spectrum)[:, : FFT // 2]
    lags = lags / np.maximum(lags[:, :1], 1e-12)
    low, high = int(RATE_HZ / PITCH_HZ[1]), int(RATE_HZ / PITCH_HZ[0])
    normal = lags[:, : high + 2] / tables["window_lags"][: high + 2]
    inner = normal[:, low : high + 1]
    peak = (inner >= normal[:, low - 1 : high]) & (inner >= normal[:, low + 1 : high + 2])
    favoured = np.where(peak, inner - 0.02 * np.log2(np.arange(low, high + 1) / low), -1.0)
    best = np.argmax(favoured, axis=1)
    rows = np.arange(len(inner))
    here, left, right = inner[rows, best], normal[rows, best + low - 1], normal[rows, best + low + 1]
    curve = left - 2 * here + right
    shift = np.where(np.abs(curve) > 1e-9, 0.5 * (left - right) / np.where(curve == 0, 1.0, curve), 0.0).clip(-0.5, 0.5)
    return np.where(favoured[rows, best] > 0, here, 0.0).clip(0, 1), best + low + shift


def _contours(band: Array, spectrum: Array, loudness: Array, tables: dict[str, Any]) -> tuple[list[Array], Array]:
    """Loudness, spectral shape and MFCC per frame, and the change of the MFCC per second, shape (frames, 13)."""
    import scipy.fft

    hz = tables["hz"]
    floor = band.max(axis=1, keepdims=True) * 10 ** (-FLOOR_DB / 10) + 1e-14
    power = band + floor
    total = power.sum(axis=1)
    centroid = power @ hz / total
    bandwidth = np.sqrt(np.maximum(power @ hz**2 / total - centroid**2, 0))
    rolloff = hz[np.argmax(np.cumsum(power, axis=1) >= 0.85 * total[:, None], axis=1)]
    db = 10 * np.log10(power)
    flatness = db.mean(axis=1) - 10 * np.log10(power.mean(axis=1))
    mel_power = spectrum @ tables["mel"].T
    mel_db = 10 * np.log10(mel_power + mel_power.max(axis=1, keepdims=True) * 10 ** (-FLOOR_DB / 10) + 1e-14)
    flux = np.r_[0.0, np.abs(np.diff(mel_db - mel_db.mean(axis=1, keepdims=True), axis=0)).mean(axis=1)]
    low, high, edge = hz < 1000, hz >= 1000, hz < 2000
    alpha = 10 * np.log10(power[:, low].sum(axis=1) / power[:, high].sum(axis=1))
    hammarberg = db[:, edge].max(axis=1) - db[:, ~edge].max(axis=1)
    cepstra = scipy.fft.dct(mel_db, axis=1, norm="ortho")[:, 1 : COEFFICIENTS + 1]
    change = change_per_s(cepstra)
    shapes = [loudness, centroid, bandwidth, rolloff, flatness, flux]
    shapes += [_slope(db[:, low], hz[low] / 1000), _slope(db[:, high], hz[high] / 1000), alpha, hammarberg]
    return [*shapes, *cepstra.T], change


def _slope(values: Array, positions: Array) -> Array:
    """Slope of the regression line of each row of `values` over `positions`."""
    centred = positions - positions.mean()
    slope: Array = values @ centred / (centred @ centred)
    return slope


def _functionals(contours: list[Array]) -> Array:
    """Of each of several contours of the same frames, one after another."""
    rows = np.stack(contours)
    percentiles = np.percentile(rows, (10, 50, 90), axis=1)
    return np.stack([rows.mean(axis=1), rows.std(axis=1), *percentiles], axis=1).ravel()


def _changes(pitch: Array, voiced: Mask, energy_db: Array, speech: Mask, deltas: Array) -> Array:
    inside = voiced[1:] & voiced[:-1]
    steps = np.abs(np.diff(pitch))[inside]
    steps = steps[steps < 4]
    loud = np.diff(energy_db)[speech[1:] & speech[:-1]]
    rise, fall = loud[loud > 0], loud[loud < 0]
    steady = [FRAMES_PER_S * value for value in (_mean(steps), _mean(rise), _mean(fall))]
    changes: Array = np.concatenate([steady, np.abs(deltas[speech]).mean(axis=0)])
    return changes


def _mean(values: Array) -> float:
    return float(values.mean()) if values.size else 0.0


def _rhythm(pitch: Array, period: Array, energy_db: Array, *, level_db: float, speech: Mask, voiced: Mask) -> Array:
    times_s = np.arange(len(pitch)) / FRAMES_PER_S
    first, last = np.flatnonzero(speech)[[0, -1]]
    span_s = max((last - first + 1) / FRAMES_PER_S, 0.1)
    edges = np.diff(np.r_[0, voiced.astype(int), 0])
    lengths = (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)) / FRAMES_PER_S
    lengths = lengths[lengths >= 0.03]
    spoken = pitch[voiced]
    smooth = np.convolve(energy_db[first : last + 1], np.ones(5) / 5, mode="same")
    inner = smooth[1:-1]
    peaks = (inner > smooth[:-2]) & (inner >= smooth[2:]) & (inner > level_db - 15)
    points = max(1024, 2 ** int(np.ceil(np.log2(len(smooth)))))
    spectrum = np.abs(np.fft.rfft(smooth - smooth.mean(), points)) ** 2
    rates = np.fft.rfftfreq(points, 1 / FRAMES_PER_S)
    usable = spectrum[(rates >= 0.5) & (rates < 16)].sum() + 1e-9
    both = voiced[1:] & voiced[:-1]
    relative = (np.abs(np.diff(period)) / period[1:])[both]
    rhythm: Array = np.r_[
        level_db,
        np.percentile(spoken, 95) - np.percentile(spoken, 5),
        _slope(spoken, times_s[voiced]) if spoken.size > 2 else 0.0,
        _slope(energy_db[speech], times_s[speech]) if speech.sum() > 2 else 0.0,
        voiced.sum() / speech.sum(),
        1 - speech[first : last + 1].mean(),
        len(lengths) / span_s,
        _mean(lengths),
        lengths.std() if lengths.size else 0.0,
        peaks.sum() / span_s,
        spectrum[(rates >= 0.5) & (rates < 3)].sum() / usable,
        spectrum[(rates >= 3) & (rates < 8)].sum() / usable,
        _mean(relative[relative < 0.2]),
        _mean(np.abs(np.diff(energy_db))[both]),
    ]
    return rhythm
