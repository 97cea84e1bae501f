"""The echo of one side on the channel of the other, taken out of the sound before anybody listens.

An echo path (a handset, a hall, a line and its codecs) is nearly linear and changes little within a call. Its impulse
response is the least-squares solution over stretches in which the other side is loud (Wiener filter; Haykin, Adaptive
Filter Theory, ch. 2), where it lies is told by the phase of the cross spectrum (GCC-PHAT: Knapp, Carter 1976). What it
predicts of the other side's sound is subtracted. Whether it is an echo at all is judged on stretches it was not
computed from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from pipeline.audio.channels.channel import Channel
from pipeline.audio.decoding.levels import FRAME_SAMPLES, FrameLevels
from pipeline.audio.decoding.spool import Samples, read_range, write_aside
from pipeline.config.areas.audio import CrosstalkSettings
from pipeline.records import SAMPLE_RATE_HZ

_BLOCK = 1 << 16
"""Samples, 4 s."""
_LENGTH = 1 << 17
"""Of the transforms: a block and its echo."""
_MOST_BLOCKS = 24
_LOUD_DB = 25.0
"""A block this far below the side's loudest tells nothing of the echo."""
_REACH = int(1.2 * SAMPLE_RATE_HZ)
"""The latest echo."""
_TAPS = int(0.4 * SAMPLE_RATE_HZ)
_BAND = np.abs(np.arange(_LENGTH // 2 + 1) * SAMPLE_RATE_HZ / _LENGTH - 1850.0) < 1650.0
"""Of telephones, 200 to 3,500 Hz: what lies above is noise of resampling."""
_BEFORE = int(0.02 * SAMPLE_RATE_HZ)
"""Of the response before its peak."""
_CLEAR_PEAK = 8.0
"""Deviations; the highest of so many values by chance is 4."""
_TIKHONOV = 1e-3
_FRAME = 320
_AROUND = 9
"""Frames over which what is left is compared with the echo."""
_WORD_FRAMES = 12
"""A quarter of a second."""
_RESIDUE_DB = -6.0
_SUPPRESSED = 0.1
_EXPLAINED_DB, _BEST_PERCENT = -3.0, 25.0
"""What the subtraction leaves of a frame with echo, in the best quarter of them, on blocks kept apart: in the others
the side itself may speak. Echo through codecs and rooms: -6 and less; seven real calls: 0 and more."""
_SURER_DB = 10.0
"""By so much the better of two predictions at the same time is better: a mix of both sides predicts one of them where
the other is silent."""
_SAME_TIME = int(0.03 * SAMPLE_RATE_HZ)
Floats = npt.NDArray[np.float64]
Spectra = npt.NDArray[np.complex64]
"""(blocks, frequencies)."""


@dataclass(frozen=True, slots=True)
class Path:
    """How the sound of one channel reaches another."""

    peak: int
    """Samples by which most of the sound is late."""
    delay: int
    """Samples before the response begins."""
    response: Floats
    left_db: float
    """What the subtraction leaves of a frame with echo, median, on blocks the response was not computed from."""


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Stretches of a channel and of another, in which its echo is looked for; all transformed at once."""

    source_spectra: Spectra
    own: Samples
    """(blocks, samples); longer than the source's by the latest echo."""
    own_spectra: Spectra

    @classmethod
    def read(cls, source: Channel, own: Channel, starts: Sequence[int]) -> _Blocks:
        sources = np.stack([_samples(source, start, _BLOCK) for start in starts])
        owns = np.stack([_samples(own, start, _BLOCK + _REACH) for start in starts])
        return cls(fft.rfft(sources, _LENGTH), owns, fft.rfft(owns, _LENGTH))

    def part(self, chosen: slice) -> _Blocks:
        return _Blocks(self.source_spectra[chosen], self.own[chosen], self.own_spectra[chosen])

    def crossed(self) -> npt.NDArray[np.complex64]:
        """The cross spectrum over all blocks."""
        spectrum: npt.NDArray[np.complex64] = np.einsum("bf,bf->f", self.own_spectra, np.conj(self.source_spectra))
        return spectrum


def cancel_echoes(channels: Sequence[Channel], settings: CrosstalkSettings) -> None:
    """Take the echo of each channel out of the others' spool files; flag `crosstalk`. Raises OSError."""
    if not (settings.enabled and settings.cancel_echo):
        return
    heard = [channel for channel in channels if not channel.silent and channel.same_as is None]
    paths = {(s.channel, o.channel): path for s, o in permutations(heard, 2) if (path := echo_path(s, o)) is not None}
    by_number = {channel.channel: channel for channel in heard}
    for (source, own), path in paths.items():
        back = paths.get((own, source))
        at_once = back is not None and min(back.peak, path.peak) < _SAME_TIME
        if back is not None and at_once and path.left_db > back.left_db - _SURER_DB:
            continue  # either predicts the other: both sides are on both channels, or the echo is the other one
        _subtract(by_number[source], by_number[own], path)


def echo_path(source: Channel, own: Channel) -> Path | None:
    """The path from `source` to `own`; None where no echo is found."""
    starts = _loud_blocks(source)
    if len(starts) < 2:
        return None
    blocks = _Blocks.read(source, own, starts)
    crossed = blocks.crossed()
    phase = np.where(_BAND, crossed / np.maximum(np.abs(crossed), 1e-12), 0.0)
    phases = fft.irfft(phase, _LENGTH)[:_REACH]
    peak = int(np.argmax(np.abs(phases)))
    if abs(phases[peak]) < _CLEAR_PEAK * float(phases.std()):
        return None
    delay = max(0, peak - _BEFORE)
    # Each half is judged by the other.
    halves = [blocks.part(slice(half, None, 2)) for half in range(2)]
    left = [_left_db(judged, delay, _response(other, delay)) for judged, other in permutations(halves)]
    best_db, left_db = np.percentile(np.concatenate(left), (_BEST_PERCENT, 50.0)).tolist()
    if best_db > _EXPLAINED_DB:
        return None
    response = _response(_without_own(blocks, delay, _response(blocks, delay)), delay)
    return Path(peak, delay, response, left_db)


def _loud_blocks(source: Channel) -> list[int]:
    """Where the loudest blocks of a channel begin."""
    frames = _BLOCK // FRAME_SAMPLES
    count = len(source.levels.power) // frames
    powers = source.levels.power[: count * frames].reshape(count, frames).mean(axis=1)
    if not count:
        return []
    loudest = np.argsort(-powers, kind="stable")[:_MOST_BLOCKS]
    near = powers[loudest] > powers[loudest[0]] * 10.0 ** (-_LOUD_DB / 10.0)
    return sorted((loudest[near] * frames * FRAME_SAMPLES).tolist())


def _response(blocks: _Blocks, delay: int) -> Floats:
    """The least-squares response of `_TAPS` samples, `delay` samples late."""
    from scipy.linalg import solve_toeplitz

    itself = fft.irfft(np.square(np.abs(blocks.source_spectra)).sum(axis=0), _LENGTH)[:_TAPS]
    crossed = fft.irfft(blocks.crossed(), _LENGTH)[delay : delay + _TAPS]
    itself[0] = itself[0] * (1.0 + _TIKHONOV) + 1e-9
    response: Floats = solve_toeplitz(itself, crossed)
    return response


def _predicted(blocks: _Blocks, delay: int, response: Floats, count: int) -> Samples:
    """What arrives of each block in the `count` samples from its start on: (blocks, count)."""
    late = fft.irfft(blocks.source_spectra * fft.rfft(response.astype(np.float32), _LENGTH), _LENGTH)
    return np.pad(late, ((0, 0), (delay, 0)))[:, :count]


def _powers(samples: npt.NDArray[np.floating[Any]]) -> Floats:
    frames = samples[: samples.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    powers: Floats = np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12
    return powers


def _left_db(blocks: _Blocks, delay: int, response: Floats) -> Floats:
    """What the subtraction leaves of each frame in which it expects echo."""
    left: list[Floats] = []
    for own, predicted in zip(blocks.own[:, :_BLOCK], _predicted(blocks, delay, response, _BLOCK), strict=True):
        expected, before, after = _powers(predicted), _powers(own), _powers(own - predicted)
        left.append((10.0 * np.log10(after / before))[expected > expected.max() * 10.0 ** (-_LOUD_DB / 10.0)])
    return np.concatenate(left)


def _without_own(blocks: _Blocks, delay: int, response: Floats) -> _Blocks:
    """The same with the prediction where the side itself speaks: it disturbs the solution."""
    found = np.empty_like(blocks.own)
    for own, predicted, row in zip(
        blocks.own, _predicted(blocks, delay, response, blocks.own.shape[1]), found, strict=True
    ):
        echo_alone = _powers(own - predicted) < 0.5 * _powers(own)
        mask = np.pad(np.repeat(echo_alone, _FRAME), (0, own.size % _FRAME))
        row[:] = np.where(mask, own, predicted)
    return replace(blocks, own=found, own_spectra=fft.rfft(found, _LENGTH))


def _subtract(source: Channel, own: Channel, path: Path) -> None:
    """Rewrite the spool file of `own` without the echo, and measure it anew.

    A channel that says nothing itself stays as it is: it may be a copy with both sides.
    """
    levels = FrameLevels(1)
    says_something = False
    loud = 10.0 ** ((own.levels.loudest_second_dbfs() - _LOUD_DB) / 10.0)

    def blocks() -> Iterator[Samples]:
        nonlocal says_something
        for start in range(0, own.levels.samples, _BLOCK):
            before = read_range(own.path, start, _BLOCK)
            left = _cleaned(source, path, start, before)
            says_something = says_something or _has_own(before, left, loud)
            levels.push(left[None])
            yield left

    cleaned = write_aside(own.path, blocks())
    if not says_something:
        cleaned.unlink()
        return
    cleaned.replace(own.path)
    levels.finish()
    own.levels = levels.channel(0)
    own.flags.add("crosstalk")


def _has_own(before: Samples, left: Samples, loud: float) -> bool:
    """Whether a word's time of loud sound is left nearly as it was."""
    was = _powers(before)
    if was.size < _WORD_FRAMES:
        return False
    own = (was > loud) & (_powers(left) > 0.5 * was)
    return bool(np.convolve(own, np.ones(_WORD_FRAMES), mode="valid").max(initial=0.0) >= _WORD_FRAMES)


def _cleaned(source: Channel, path: Path, start: int, own: Samples) -> Samples:
    """A block without the predicted echo, where subtracting it makes the block quieter.

    What is left where there was hardly anything but echo is the codec's, and is suppressed as well (non-linear
    processing, ITU-T G.168).
    """
    around = _samples(source, start - path.delay - _TAPS, own.size + _TAPS)
    echo = np.fft.irfft(np.fft.rfft(around, _LENGTH) * np.fft.rfft(path.response, _LENGTH), _LENGTH)
    echo = echo[_TAPS : _TAPS + own.size]
    if own.size < _FRAME:
        return (own - echo).astype(np.float32)
    helps = _powers(own - echo) <= _powers(own)
    left = own - echo * _over_samples(helps.astype(np.float64), own.size)
    rest, expected = (_smoothed(_powers(signal)) for signal in (left, echo))
    residue = helps & (rest < expected * 10.0 ** (_RESIDUE_DB / 10.0))
    return (left * _over_samples(np.where(residue, _SUPPRESSED, 1.0), own.size)).astype(np.float32)


def _smoothed(powers: Floats) -> Floats:
    smooth: Floats = np.convolve(powers, np.ones(_AROUND))[_AROUND // 2 :][: powers.size]
    return smooth


def _over_samples(by_frame: Floats, count: int) -> Floats:
    """From frame to frame without a step."""
    middles = (np.arange(by_frame.size) + 0.5) * _FRAME
    values: Floats = np.interp(np.arange(count), middles, by_frame)
    return values


def _samples(channel: Channel, first: int, count: int) -> Samples:
    """Without the constant offset; silence beyond both ends."""
    samples = read_range(channel.path, max(0, first), max(0, count + min(0, first))) - np.float32(channel.levels.offset)
    before = max(0, -first)
    return np.pad(samples, (before, max(0, count - before - samples.size)))
