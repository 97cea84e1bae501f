"""Channels that are copies of each other (dual-mono), also with another gain, a few samples late, or coded anew.

Normalised cross-correlation finds delay and gain on a sample of active seconds; then every active second is
compared, a quarter of a second at a time. A channel with half a second of something of its own is no copy: speech must
not be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.audio.channels.channel import Channel
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


@dataclass(frozen=True, slots=True)
class _Alignment:
    """The second channel at sample n is the first one at n - delay, times gain."""

    delay: int
    gain_db: float


def find_copies(channels: Sequence[Channel], settings: DoctorSettings) -> None:
    """Set `same_as` and the flag on each channel that is a copy of an earlier one, and the flag on that one."""
    if not settings.dual_mono:
        return
    for index, later in enumerate(channels):
        for earlier in channels[:index]:
            if later.silent or earlier.silent or earlier.same_as is not None or later.same_as is not None:
                continue
            if is_copy(earlier, later, settings):
                later.same_as = earlier.channel
                later.flags.add("dual_mono")
                earlier.flags.add("dual_mono")


def is_copy(first: Channel, second: Channel, settings: DoctorSettings) -> bool:
    """Whether `second` holds nothing that `first` does not."""
    active = _active_seconds(first, second)
    if not len(active):
        return False
    alignment = _align(first, second, active, settings)
    return alignment is not None and _agrees_everywhere(first, second, active, alignment, settings)


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
    poor = 0
    for second_index in chosen.tolist():
        a, b = _second(first, second_index, 0), _second(second, second_index, 0)
        delay, correlation = _best_delay(a, b, longest)
        if correlation < settings.dual_mono_min_correlation:
            poor += 1
            if poor > (1.0 - _MOST) * len(chosen):
                return None
            continue
        delays.append(delay)
        gains.append(_gain_db(a, b))
    if not delays:
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
        if not count:
            continue
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
    start = index * _SECOND + shift
    samples = read_range(channel.path, max(0, start), _SECOND + min(0, start)) - np.float32(channel.levels.offset)
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
