"""A recording in a file for each side."""

from __future__ import annotations

import os
import time
from pathlib import Path

import soundfile  # type: ignore[import-untyped]

PAIR = "call-17"


def in_two_files(recording: Path, folder: Path) -> None:
    """Its sides as `call-17-in.wav` and `call-17-out.wav`, two days old."""
    samples, rate_hz = soundfile.read(recording, dtype="int16", always_2d=True)
    before = time.time() - 172_800
    for channel, side in enumerate(("in", "out")):
        path = folder / f"{PAIR}-{side}.wav"
        soundfile.write(path, samples[:, channel], rate_hz)
        os.utime(path, (before, before))
