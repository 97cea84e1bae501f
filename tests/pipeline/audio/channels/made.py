"""Channels made of samples, as the doctor sees them after decoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.audio.channels.channel import Channel
from pipeline.audio.decoding.levels import FrameLevels
from pipeline.audio.decoding.spool import SpoolWriter
from tests.pipeline.audio.sounds import RATE, Samples


def noise(seconds: float, seed: int, level_db: float = 0.0) -> Samples:
    """White noise, -20 dBFS and `level_db`: of other seeds it correlates with nothing."""
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return np.asarray(0.1 * 10.0 ** (level_db / 20.0) * samples, dtype=np.float32)


def later(samples: Samples, seconds: float) -> Samples:
    """The same, delayed, of the same length."""
    shift = round(seconds * RATE)
    return np.concatenate((np.zeros(shift, dtype=np.float32), samples))[: len(samples)]


def channels_of(folder: Path, *sides: Samples) -> list[Channel]:
    """A channel for each side; all are of one length."""
    folder.mkdir(parents=True, exist_ok=True)
    writer, levels = SpoolWriter(folder, len(sides)), FrameLevels(len(sides))
    writer.write(np.stack(sides))
    levels.push(np.stack(sides))
    levels.finish()
    writer.close()
    return [Channel(index, path, levels.channel(index)) for index, path in enumerate(writer.paths)]
