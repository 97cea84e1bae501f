"""Calls in which one channel overhears the other: echo, rooms, codecs, mixes, mono copies.

Everything is made from a clean two-channel call, shape (2, samples), and repeats exactly for a seed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Call = npt.NDArray[np.float32]
"""Shape (2, samples)."""


def echo(
    call: Call, rate_hz: int, *, source: int, level_db: float, delay_ms: float, reverberation_s: float = 0.0
) -> Call:
    """`source` heard on the other channel, `level_db` quieter and later; through a room with `reverberation_s`."""
    heard = call[source]
    if reverberation_s:
        heard = in_a_room(heard, rate_hz, reverberation_s)
    late = round(delay_ms * rate_hz / 1000)
    heard = np.pad(heard, (late, 0))[: call.shape[1]] * 10.0 ** (-level_db / 20.0)
    made = call.copy()
    made[1 - source] += heard
    return _within_scale(made)


def in_a_room(samples: Samples, rate_hz: int, reverberation_s: float, seed: int = 0) -> Samples:
    """Noise that decays by 60 dB in `reverberation_s` as impulse response, as loud as before (Moorer 1979)."""
    count = round(reverberation_s * rate_hz)
    decay = 10.0 ** (-3.0 * np.arange(count) / count)
    response = np.random.default_rng(seed).standard_normal(count) * decay
    response[0] = 3.0
    length = 1 << (samples.size + count).bit_length()
    made = np.fft.irfft(np.fft.rfft(samples, length) * np.fft.rfft(response, length), length)[: samples.size]
    loudness = float(np.sqrt(np.mean(np.square(samples)) / max(1e-12, float(np.mean(np.square(made))))))
    return (made * loudness).astype(np.float32)


def coded(samples: Samples, rate_hz: int, codec: str) -> Samples:
    """Through a speech codec of FFmpeg and back (`libopencore_amrnb`, `pcm_mulaw`, `adpcm_ima_wav`); 8 kHz expected."""
    import av

    container = "amr" if "amr" in codec else "wav"
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=rate_hz)
        stream.layout = "mono"
        if container == "amr":
            stream.bit_rate = 12_200
        frame = av.AudioFrame.from_ndarray((np.clip(samples, -1, 1) * 32767).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = rate_hz
        for packet in (*stream.encode(frame), *stream.encode(None)):
            out.mux(packet)
    file.seek(0)
    with av.open(file, "r") as back:
        resampler = av.AudioResampler("flt", "mono", rate_hz)
        parts = [p.to_ndarray()[0] for f in back.decode(audio=0) for p in resampler.resample(f)]
    made = np.concatenate(parts)[: samples.size]
    return np.pad(made, (0, samples.size - made.size)).astype(np.float32)


def mixed_on(call: Call, channel: int) -> Call:
    """Both sides on `channel`; the other one has its own side."""
    made = call.copy()
    made[channel] = call.sum(axis=0)
    return _within_scale(made)


def mono_copy(call: Call, rate_hz: int, codec: str) -> Call:
    """Both sides on both channels, one of them through a codec."""
    both = call.sum(axis=0)
    return _within_scale(np.stack((coded(both, rate_hz, codec), both)))


def _within_scale(call: Call) -> Call:
    return (call / max(1.0, float(np.abs(call).max()))).astype(np.float32)


KINDS: Mapping[str, Callable[[Call, int], Call]] = {
    "clean": lambda call, _: call,
    "echo 6 dB 20 ms": lambda call, rate: echo(call, rate, source=1, level_db=6, delay_ms=20),
    "echo 6 dB 1 s": lambda call, rate: echo(call, rate, source=1, level_db=6, delay_ms=1000),
    "echo 10 dB 250 ms": lambda call, rate: echo(call, rate, source=1, level_db=10, delay_ms=250),
    "echo 20 dB 600 ms": lambda call, rate: echo(call, rate, source=1, level_db=20, delay_ms=600),
    "echo of the client, 8 dB 120 ms": lambda call, rate: echo(call, rate, source=0, level_db=8, delay_ms=120),
    "room 8 dB": lambda call, rate: echo(call, rate, source=1, level_db=8, delay_ms=60, reverberation_s=0.35),
    "room 14 dB": lambda call, rate: echo(call, rate, source=1, level_db=14, delay_ms=90, reverberation_s=0.5),
    "echo through a codec": lambda call, rate: np.stack(
        (coded(echo(call, rate, source=1, level_db=8, delay_ms=180)[0], rate, "libopencore_amrnb"), call[1])
    ),
    "mix on one side": lambda call, _: mixed_on(call, 0),
    "mono copy, AMR": lambda call, rate: mono_copy(call, rate, "libopencore_amrnb"),
    "mono copy, mu-law": lambda call, rate: mono_copy(call, rate, "pcm_mulaw"),
}
"""By name, from a clean call and its rate in Hz."""
