"""Channels that are copies of each other (dual-mono), also with another gain, a few samples late, or coded anew.

Normalised cross-correlation finds delay and gain on a sample of active seconds; then every active second is
compared, a quarter of a second at a time. A channel with half a second of something of its own is no copy: speech must
not be lost.

A speech codec keeps no waveform. Where the two do not correlate, the fine structure of their spectra is compared
(`likeness`), and their levels. Measured over pieces of 2 s: copies through AMR, GSM and ADPCM 0.12 and more, nearly all
over 0.27; the sides of calls with echo, in rooms or mixed on one channel 0.02 and less in places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.channels.channel import Channel
from pipeline.audio.channels.likeness import copy_of
from pipeline.audio.decoding.spool import Samples, read_range
from pipeline.config.areas.audio import DoctorSettings
from pipeline.records import SAMPLE_RATE_HZ

_SECOND = SAMPLE_RATE_HZ
_FRAMES_A_SECOND = 100
_ACTIVE_BELOW_LOUDEST_DB = 25.0
_SAMPLED_SECONDS = 48
_SAME_GAIN_DB = 3.0
_MOST = 0.95
"""Share of the seconds that must agree well."""
_QUARTERS = 4
_OWN_SOUND_BELOW = 0.7
_SURELY_OWN_BELOW = 0.4
"""Limits of correlation for a loud quarter of a second: below the second, the channel holds something of its own; two
quarters in a row below the first mean the same."""


_PIECE = 2 * SAMPLE_RATE_HZ
_FEWEST_PIECES = 3
_CODED_DELAY_S = 0.3
"""A codec, its packets and the line add to the delay. As an echo may be as late, only what is as loud is a copy."""
_CODED_REACH_S = 0.35
_CODED_SAME_DELAY_S = 0.03
_CODED_LIKENESS = 0.2
_CODED_LEAST_LIKENESS = 0.08
_CODED_GAIN_DB = 4.5
"""A larger difference of the channels' levels may be an echo of the only one who speaks."""
_CODED_SPREAD_DB = 10.0
_CODED_OWN_BELOW_LOUDEST_DB = 30.0
_CODED_OWN_S = 0.3
"""Of half a second: a word. Decoders of GSM add bursts of 0.2 s."""


@dataclass(frozen=True, slots=True)
class _Alignment:
    """The second channel at sample n is the first one at n - delay, times gain."""

    delay: int
    gain_db: float


def find_copies(channels: Sequence[Channel], settings: DoctorSettings) -> None:
    """Set `same_as` and the flag on each channel that is a copy of an earlier one, and the flag on that one."""
    if not settings.dual_mono:
        return
    heard = [channel for channel in channels if not channel.silent]
    for index, later in enumerate(heard):
        for earlier in heard[:index]:
            if earlier.same_as is None and later.same_as is None and is_copy(earlier, later, settings):
                later.same_as = earlier.channel
                later.flags.add("dual_mono")
                earlier.flags.add("dual_mono")


def is_copy(first: Channel, second: Channel, settings: DoctorSettings) -> bool:
    """Whether `second` holds nothing that `first` does not."""
    active = _active_seconds(first, second)
    if not len(active):
        return False
    alignment = _align(first, second, active, settings)
    if alignment is not None:
        return _agrees_everywhere(first, second, active, alignment, settings)
    return _is_coded_copy(first, second, settings)


def _is_coded_copy(first: Channel, second: Channel, settings: DoctorSettings) -> bool:
    """Whether both channels hold the same sounds throughout, one of them through a codec."""
    likenesses: list[float] = []
    delays: list[float] = []
    reach = round(_CODED_REACH_S * SAMPLE_RATE_HZ)
    for start in _loud_pieces(first, second):
        around = _samples(first, start - reach, _PIECE + 2 * reach)
        found = copy_of(around, _samples(second, start, _PIECE), _CODED_REACH_S)
        if found is None or found.likeness < _CODED_LEAST_LIKENESS:
            return False
        likenesses.append(found.likeness)
        delays.append(found.delay_s)
    if len(likenesses) < _FEWEST_PIECES:
        return False
    delay_s = float(np.median(delays))
    if abs(delay_s) > _CODED_DELAY_S:
        return False
    same_time = np.abs(np.array(delays) - delay_s) <= _CODED_SAME_DELAY_S
    if np.mean(same_time & (np.array(likenesses) >= _CODED_LIKENESS)) < _MOST:
        return False
    gain_db = _steady_gain_db(first, second, delay_s)
    return gain_db is not None and abs(gain_db) <= min(_CODED_GAIN_DB, settings.dual_mono_max_gain_db)


def _steady_gain_db(first: Channel, second: Channel, delay_s: float) -> float | None:
    """By how much the second channel is louder; None where either has a sound of its own.

    Args:
        delay_s: by how much the second is later.
    """
    powers = _powers(first, second, 1, round(delay_s * _FRAMES_A_SECOND))
    levels = 10.0 * np.log10(powers + 1e-12)
    near = levels > np.percentile(levels, 99.0, axis=1, keepdims=True) - _CODED_OWN_BELOW_LOUDEST_DB
    both = near.all(axis=0)
    if not both.any():
        return None
    apart = levels[1] - levels[0]
    gain_db = float(np.median(apart[both]))
    own = near.any(axis=0) & (np.abs(apart - gain_db) > _CODED_SPREAD_DB)
    longest = np.convolve(own, np.ones(_FRAMES_A_SECOND // 2), mode="same").max()
    return gain_db if longest < _CODED_OWN_S * _FRAMES_A_SECOND else None


def _loud_pieces(first: Channel, second: Channel) -> list[int]:
    """Where pieces of `_PIECE` samples begin in which either channel is close to its loudest."""
    powers = _powers(first, second, _FRAMES_A_SECOND * _PIECE // SAMPLE_RATE_HZ, 0)
    loud = _loud(powers, _ACTIVE_BELOW_LOUDEST_DB)
    return [piece * _PIECE for piece in np.flatnonzero(loud).tolist()]


def _powers(first: Channel, second: Channel, frames: int, later: int) -> npt.NDArray[np.float64]:
    """Mean squares of both channels, the second `later` frames on, shape (2, pieces of so many frames)."""
    powers = first.levels.power[max(0, -later) :], second.levels.power[max(0, later) :]
    count = min(map(len, powers)) // frames
    return np.stack([power[: count * frames].reshape(count, frames).mean(axis=1) for power in powers]).astype(
        np.float64
    )


def _loud(powers: npt.NDArray[np.float64], below_loudest_db: float) -> npt.NDArray[np.bool_]:
    if not powers.size:
        return np.zeros(0, dtype=np.bool_)
    loud: npt.NDArray[np.bool_] = (powers > powers.max(axis=1, keepdims=True) * 10.0 ** (-below_loudest_db / 10.0)).any(
        axis=0
    )
    return loud


def _active_seconds(first: Channel, second: Channel) -> npt.NDArray[np.int64]:
    """Seconds in which either channel is close to its loudest."""
    active: list[npt.NDArray[np.bool_]] = []
    for channel in (first, second):
        levels = channel.levels
        power = levels.power[: max(1, len(levels.power) // _FRAMES_A_SECOND) * _FRAMES_A_SECOND]
        seconds = power.reshape(-1, min(_FRAMES_A_SECOND, len(power))).mean(axis=1)
        active.append(seconds > 10.0 ** ((levels.loudest_second_dbfs() - _ACTIVE_BELOW_LOUDEST_DB) / 10.0))
    return np.flatnonzero(active[0] | active[1])


def _align(
    first: Channel, second: Channel, active: npt.NDArray[np.int64], settings: DoctorSettings
) -> _Alignment | None:
    longest = round(settings.dual_mono_max_delay_ms * SAMPLE_RATE_HZ / 1000)
    chosen = active[np.linspace(0, len(active) - 1, min(len(active), _SAMPLED_SECONDS)).astype(np.int64)]
    delays: list[int] = []
    gains: list[float] = []
    for tried, second_index in enumerate(chosen.tolist(), start=1):
        a, b = _second(first, second_index, 0), _second(second, second_index, 0)
        delay, correlation = _best_delay(a, b, longest)
        if correlation >= settings.dual_mono_min_correlation:
            delays.append(delay)
            gains.append(_gain_db(a, b))
        if tried - len(delays) > (1.0 - _MOST) * len(chosen):
            return None
    alignment = _Alignment(round(float(np.median(delays))), float(np.median(gains)))
    return None if abs(alignment.gain_db) > settings.dual_mono_max_gain_db else alignment


def _agrees_everywhere(
    first: Channel, second: Channel, active: npt.NDArray[np.int64], alignment: _Alignment, settings: DoctorSettings
) -> bool:
    agreeing = 0
    quiet = 10.0 ** ((second.levels.loudest_second_dbfs() - _ACTIVE_BELOW_LOUDEST_DB) / 10.0)
    for index in active.tolist():
        a, b = _second(first, index, -alignment.delay), _second(second, index, 0)
        count = min(len(a), len(b))
        a, b = a[:count], b[:count]
        correlation = _correlation(a, b)
        if _holds_own_sound(a, b, quiet):
            return False
        near = abs(_gain_db(a, b) - alignment.gain_db) <= _SAME_GAIN_DB
        agreeing += correlation >= settings.dual_mono_min_correlation and near
    return agreeing >= _MOST * len(active)


def _holds_own_sound(a: Samples, b: Samples, quiet: float) -> bool:
    """Whether a stretch of `b`, louder than the mean square `quiet`, does not come from `a`."""
    before = 1.0
    for part_a, part_b in zip(np.array_split(a, _QUARTERS), np.array_split(b, _QUARTERS), strict=True):
        loud = float(np.dot(part_b, part_b)) > quiet * max(1, len(part_b))
        correlation = _correlation(part_a, part_b) if loud else 1.0
        if correlation < _SURELY_OWN_BELOW or max(correlation, before) < _OWN_SOUND_BELOW:
            return True
        before = correlation
    return False


def _second(channel: Channel, index: int, shift: int) -> Samples:
    """A second of the channel without its constant offset; before the beginning there is silence."""
    return _samples(channel, index * _SECOND + shift, _SECOND)


def _samples(channel: Channel, start: int, count: int) -> Samples:
    samples = read_range(channel.path, max(0, start), count + min(0, start)) - np.float32(channel.levels.offset)
    return np.pad(samples, (max(0, -start), 0)) if start < 0 else samples


def _best_delay(a: Samples, b: Samples, longest: int) -> tuple[int, float]:
    """The delay of `b` against `a` (samples) with the largest correlation, polarity aside, and that correlation."""
    count = min(len(a), len(b))
    a, b = a[:count], b[:count]
    length = 1 << (count + longest).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(b, length) * np.conj(np.fft.rfft(a, length)), length)
    reach = min(longest, count - 1)
    around = np.concatenate((crossed[length - reach :], crossed[: reach + 1])) if reach else crossed[:1]
    norm = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    if norm <= 0.0:
        return 0, 0.0
    best = int(np.argmax(np.abs(around)))
    return best - reach, float(abs(around[best]) / norm)


def _correlation(a: Samples, b: Samples) -> float:
    norm = float(np.sqrt(float(np.dot(a, a)) * float(np.dot(b, b))))
    return abs(float(np.dot(a, b))) / norm if norm > 0.0 else 0.0


def _gain_db(a: Samples, b: Samples) -> float:
    tiny = 1e-12
    return 10.0 * float(np.log10((float(np.dot(b, b)) + tiny) / (float(np.dot(a, a)) + tiny)))
