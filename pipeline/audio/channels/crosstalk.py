"""Speech of one side that leaks into the channel of the other: it must not be transcribed as that side's words.

A leak is a delayed, filtered copy: it correlates with the louder channel. A side's own speech does not (the double-talk
criterion of echo cancellers: Benesty, Morgan, Cho 2000, "A new class of doubletalk detectors based on
cross-correlation").
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from pipeline.audio.channels.channel import Channel
from pipeline.audio.decoding.levels import FRAME_SAMPLES, level_dbfs
from pipeline.audio.decoding.spool import Samples, read_range
from pipeline.audio.segments import Interval
from pipeline.config.areas.audio import CrosstalkSettings
from pipeline.records import SAMPLE_RATE_HZ

_PIECE = int(0.75 * SAMPLE_RATE_HZ)
"""Length of the pieces judged one by one; shorter ones correlate by chance."""
_PAUSE_DB = 25.0
"""A piece this far below the loudest one of its stretch is a pause and nobody's speech."""
_MARGIN = SAMPLE_RATE_HZ // 4
"""Kept around a side's own speech when the rest of a stretch is taken out."""


def drop_leaks(channels: Sequence[Channel], settings: CrosstalkSettings) -> None:
    """Take out of each channel the speech that comes from another, louder one; flag `crosstalk`.

    A stretch that is all leak goes; one that begins or ends with a leak is cut down to the channel's own speech.
    """
    if not settings.enabled:
        return
    heard = {channel.channel: list(channel.speech) for channel in channels}
    for channel in channels:
        for other in channels:
            if other is not channel and heard[other.channel]:
                kept = [own for span in channel.speech if (own := _own(channel, other, span, settings)) is not None]
                if kept != channel.speech:
                    channel.speech = kept
                    channel.flags.add("crosstalk")


def _own(channel: Channel, other: Channel, span: Interval, settings: CrosstalkSettings) -> Interval | None:
    """The part of `span` that does not come from `other`; None when there is none."""
    count = max(1, round(span.length / _PIECE))
    borders = np.linspace(span.start, span.end, count + 1).astype(np.int64).tolist()
    pieces = [Interval(start, end) for start, end in pairwise(borders)]
    levels = [_level(channel, piece) for piece in pieces]
    leaked = [_leaks(channel, other, piece, level, settings) for piece, level in zip(pieces, levels, strict=True)]
    if not any(leaked):
        return span
    loudest = max(levels)
    own = [p for p, leak, level in zip(pieces, leaked, levels, strict=True) if not leak and level > loudest - _PAUSE_DB]
    if not own:
        return None
    return Interval(max(span.start, own[0].start - _MARGIN), min(span.end, own[-1].end + _MARGIN))


def _leaks(channel: Channel, other: Channel, piece: Interval, level: float, settings: CrosstalkSettings) -> bool:
    if _level(other, piece) - level < settings.min_difference_db:
        return False
    reach = round(settings.max_delay_ms * SAMPLE_RATE_HZ / 1000)
    return _correlation(channel, other, piece.start, piece.end, reach) >= settings.min_correlation


def _level(channel: Channel, span: Interval) -> float:
    power = channel.levels.power[span.start // FRAME_SAMPLES : -(-span.end // FRAME_SAMPLES)]
    return level_dbfs(float(power.mean())) if len(power) else level_dbfs(0.0)


def _correlation(channel: Channel, other: Channel, start: int, end: int, reach: int) -> float:
    """Largest normalised correlation of a stretch of `channel` with `other` up to `reach` samples earlier or later."""
    first = max(0, start - reach)
    leak = _samples(channel, start, end - start)
    # Pad with silence: at the very beginning of a call, too, a leak may be late.
    source = np.pad(_samples(other, first, end + reach - first), (reach - (start - first), 0))
    if len(leak) > len(source) or not len(leak):
        return 0.0
    length = 1 << (len(source) + len(leak)).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(source, length) * np.conj(np.fft.rfft(leak, length)), length)
    places = len(source) - len(leak) + 1
    energy = np.cumsum(np.concatenate(([0.0], np.square(source, dtype=np.float64))))
    norm = np.sqrt(np.maximum(energy[len(leak) :] - energy[:places], 1e-12) * max(float(np.dot(leak, leak)), 1e-12))
    return float(np.max(np.abs(crossed[:places]) / norm))


def _samples(channel: Channel, first: int, count: int) -> Samples:
    return read_range(channel.path, first, count) - np.float32(channel.levels.offset)
