"""Sounds made for tests: tones, music, recordings of any shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

RATE = 16_000
Samples = npt.NDArray[np.float32]


def silence(seconds: float, level_dbfs: float = -80.0, seed: int = 0) -> Samples:
    """Faint noise, as on a line."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return np.asarray(noise * 10.0 ** (level_dbfs / 20.0), dtype=np.float32)


def tone(seconds: float, *frequencies: float, amplitude: float = 0.2) -> Samples:
    """Sines together."""
    time = np.arange(round(seconds * RATE)) / RATE
    sines = [np.sin(2 * np.pi * frequency * time) for frequency in frequencies]
    return np.asarray(amplitude * np.mean(sines, axis=0), dtype=np.float32)


def music(seconds: float, harmonics: int = 6, decay: float = 1.5, seed: int = 0, level_dbfs: float = -22.0) -> Samples:
    """A melody over a chord progression, each note with harmonics that die away."""
    random = np.random.default_rng(seed)
    chords = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
    sound = np.zeros(round((seconds + 4) * RATE))
    place, beat = 0.0, 0.6
    for index in range(int(seconds / beat) + 1):
        notes = [(220.0 * 2 ** (random.choice([12, 14, 16, 19, 21]) / 12), beat, 0.6)]
        if index % 4 == 0:
            notes += [(220.0 * 2 ** (step / 12), 4 * beat, 0.4) for step in chords[index // 4 % 4]]
        for pitch, length, strength in notes:
            time = np.arange(round(length * RATE)) / RATE
            parts = [np.exp(-decay * time) * np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, harmonics + 1)]
            start = round(place * RATE)
            sound[start : start + len(time)] += strength * np.sum(parts, axis=0) * np.minimum(1.0, time / 0.01)
        place += beat
    sound = sound[: round(seconds * RATE)]
    return np.asarray(sound / np.sqrt(np.mean(sound**2)) * 10.0 ** (level_dbfs / 20.0), dtype=np.float32)


def mu_law(samples: Samples) -> Samples:
    """As it sounds after ITU-T G.711 at 8 kHz."""
    import soxr

    narrow = np.clip(soxr.resample(samples, RATE, 8000), -1, 1)
    coded = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log1p(255) * 127) / 127
    decoded = np.sign(coded) * (256.0 ** np.abs(coded) - 1) / 255
    return np.asarray(soxr.resample(decoded, 8000, RATE), dtype=np.float32)


def write(path: Path, *channels: Samples, rate: int = RATE, codec: str = "pcm_s16le", form: str = "wav") -> Path:
    """Write channels (16 kHz, padded to the longest) as a recording at `rate`."""
    import av
    import soxr

    length = max(len(channel) for channel in channels)
    samples = np.stack([np.pad(channel, (0, length - len(channel))) for channel in channels], axis=1)
    if rate != RATE:
        samples = soxr.resample(samples, RATE, rate)
    layout = {1: "mono", 2: "stereo", 3: "2.1"}[len(channels)]
    with av.open(str(path), "w", format=form) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        if codec.startswith("wma"):
            stream.bit_rate = 64_000
        resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
        for start in range(0, len(samples), 1 << 16):
            piece = np.ascontiguousarray(samples[start : start + (1 << 16)].T, dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
            frame.sample_rate = rate
            for ready in resampler.resample(frame):
                ready.pts = None
                out.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            ready.pts = None
            out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    return path


def float_wav(path: Path, samples: npt.NDArray[np.float32], rate: int = RATE) -> Path:
    """Raw float samples, shape (samples, channels), NaN and all."""
    import struct

    data = np.ascontiguousarray(samples, dtype="<f4").tobytes()
    channels = samples.shape[1]
    fmt = struct.pack("<HHIIHH", 3, channels, rate, rate * 4 * channels, 4 * channels, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path
