"""Short recordings cut from the sample calls, for tests of the run itself."""

from __future__ import annotations

import os
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PROJECT = Path(__file__).resolve().parents[2]
RATE_HZ = 16_000


def sample_speech(limit_s: float = 60.0) -> npt.NDArray[np.int16]:
    """A sample call's two channels at 16 kHz, shape (samples, 2)."""
    import av

    path = next((PROJECT / "samples" / "calls").glob("*wrong-charge.flac"))
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="stereo", rate=RATE_HZ)
        blocks: list[Any] = [
            out.to_ndarray().reshape(-1, 2) for frame in container.decode(audio=0) for out in resampler.resample(frame)
        ]
    return np.concatenate(blocks)[: round(limit_s * RATE_HZ)].astype(np.int16)


def write_wav(path: Path, samples: npt.NDArray[Any], rate_hz: int = RATE_HZ) -> Path:
    """16-bit PCM, shape (samples,) or (samples, channels), an hour old."""
    samples = samples.reshape(len(samples), -1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.ascontiguousarray(samples, dtype="<i2").tobytes())
    os.utime(path, (time.time() - 3600, time.time() - 3600))
    return path


def short_calls(folder: Path, number: int, length_s: float = 6.0) -> None:
    """`number` different calls of `length_s`, cut from one sample at different places."""
    folder.mkdir(parents=True, exist_ok=True)
    speech = sample_speech()
    length = round(length_s * RATE_HZ)
    step = max(1, (len(speech) - length) // max(1, number))
    for index in range(number):
        start = (index * step) % max(1, len(speech) - length)
        write_wav(folder / f"20260914-{index:06d}_inbound.wav", speech[start : start + length])
