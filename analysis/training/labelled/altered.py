"""The same sound over another line, in noise, cut elsewhere: to train with, and to measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Alter = Callable[[Samples], Samples]
"""Mono 16 kHz to mono 16 kHz."""

CUT = 0.1
"""Share that is cut off at each end."""


def telephone(samples: Samples) -> Samples:
    """16 kHz to 8 kHz, 300-3400 Hz, µ-law (ITU-T G.711) and back."""
    import soxr
    from scipy.signal import butter, sosfilt

    narrow = soxr.resample(samples, 16_000, 8_000)
    narrow = sosfilt(butter(4, (300, 3400), "bandpass", fs=8_000, output="sos"), narrow)
    pressed = np.sign(narrow) * np.log1p(255 * np.abs(np.clip(narrow, -1, 1))) / np.log(256)
    pressed = np.round((pressed + 1) * 127.5) / 127.5 - 1
    heard = np.sign(pressed) * (256 ** np.abs(pressed) - 1) / 255
    return np.asarray(soxr.resample(heard.astype(np.float32), 8_000, 16_000), dtype=np.float32)


def with_noise(samples: Samples, ratio_db: float, *, pink: bool = False, seed: int = 0) -> Samples:
    """White or pink noise at `ratio_db` under the mean power of the samples."""
    if not samples.size:
        return samples
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    if pink:
        spectrum = np.fft.rfft(noise)
        noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), len(samples))
    power = float(np.mean(samples.astype(np.float64) ** 2))
    scale = np.sqrt(power / 10 ** (ratio_db / 10) / np.mean(noise**2))
    return np.asarray(samples + scale * noise, dtype=np.float32)


def cut(samples: Samples) -> Samples:
    """Without a tenth at either end: where a segment begins and ends is no property of a voice."""
    less = int(CUT * len(samples))
    return samples[less : len(samples) - less]


ALTERED: Mapping[str, Alter] = {
    "over the telephone": telephone,
    "with white noise at 20 dB": lambda samples: with_noise(telephone(samples), 20.0),
    "with pink noise at 20 dB": lambda samples: with_noise(telephone(samples), 20.0, pink=True),
    "with white noise at 12 dB": lambda samples: with_noise(telephone(samples), 12.0),
    "cut shorter": lambda samples: cut(telephone(samples)),
}
"""In what other forms a voice model learns every item."""
