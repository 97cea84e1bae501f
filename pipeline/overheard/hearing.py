"""The channels of a prepared call, heard in their spool files."""

from __future__ import annotations

import numpy as np

from pipeline.audio.channels.likeness import Copy, Samples, copy_of
from pipeline.audio.decoding.spool import read_range
from pipeline.overheard.shared_words import REACH_S
from pipeline.records import SAMPLE_RATE_HZ, PreparedCall, PreparedChannel

_REACH = round(REACH_S * SAMPLE_RATE_HZ)


class SpooledChannels:
    """Levels are compared as they were recorded, without the gain applied since. Raises OSError."""

    def __init__(self, call: PreparedCall) -> None:
        self._channels = {channel.channel: channel for channel in call.channels}

    def copy_of(self, source: int, own: int, start_s: float, end_s: float) -> Copy | None:
        first, count = round(start_s * SAMPLE_RATE_HZ), round((end_s - start_s) * SAMPLE_RATE_HZ)
        around = _as_recorded(self._channels[source], first - _REACH, count + 2 * _REACH)
        return copy_of(around, _as_recorded(self._channels[own], first, count), REACH_S)


def _as_recorded(channel: PreparedChannel, first: int, count: int) -> Samples:
    """`count` samples from `first` on, silence beyond both ends."""
    samples = read_range(channel.samples_path, max(0, first), max(0, count + min(0, first)))
    before = max(0, -first)
    padded = np.pad(samples, (before, max(0, count - before - samples.size)))
    return padded * np.float32(10.0 ** (-channel.gain_db / 20.0))
