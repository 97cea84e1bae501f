"""Running statistics of a call while it is decoded, for the channel doctor.

All of them continue across block borders: the numbers do not depend on the size of the blocks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.records import SAMPLE_RATE_HZ

FRAME_SAMPLES = SAMPLE_RATE_HZ // 100
"""Levels are kept per 10 ms."""
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
SILENCE_DBFS = -120.0
"""The level given for digital silence."""

_ABSURD = 1e6
"""A float sample beyond this is garbage, not sound that is too loud."""
_FULL_SCALE = 0.975
"""The highest code of mu-law decodes to 0.98 of full scale."""
_FLAT_RUN = 3
"""This many samples in a row at full scale are a flat top."""

Block = npt.NDArray[np.float32]


def decibels(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean squares (full scale 1) to dB of full scale, at least SILENCE_DBFS."""
    db: npt.NDArray[np.float64] = 10.0 * np.log10(np.maximum(power, 10.0 ** (SILENCE_DBFS / 10.0)))
    return db


def level_dbfs(power: float) -> float:
    """The same for one number."""
    return float(decibels(np.array([power], dtype=np.float64))[0])


class SourceStatistics:
    """Samples as they come from the decoder, before resampling: garbage and flat tops are only visible here."""

    def __init__(self, channels: int) -> None:
        self.samples = 0
        self.non_finite = np.zeros(channels, dtype=np.int64)
        self.clipped = np.zeros(channels, dtype=np.int64)
        self._run = np.zeros(channels, dtype=np.int64)
        """Length of the run at full scale that reaches to the end of the last block."""
        self._sign = np.zeros(channels, dtype=np.int64)

    def clean(self, block: Block) -> Block:
        """Count, and return `block` (samples, channels) with NaN, infinite and absurd samples zeroed."""
        self.samples += len(block)
        peak = _peak(block)
        if not peak <= _ABSURD:
            bad = ~(np.abs(block) <= _ABSURD)
            self.non_finite += bad.sum(axis=0)
            block = np.where(bad, np.float32(0.0), block)
            peak = _peak(block)
        if not peak < _FULL_SCALE:
            for channel in range(block.shape[1]):
                self._count_clipped(channel, block[:, channel])
        else:
            self._run[:] = 0
        return block

    def _count_clipped(self, channel: int, samples: Block) -> None:
        """Samples in runs of at least _FLAT_RUN at full scale on one side; a run continues across block borders."""
        side = (samples >= _FULL_SCALE).astype(np.int8) - (samples <= -_FULL_SCALE).astype(np.int8)
        borders = np.flatnonzero(np.diff(side)) + 1
        starts = np.concatenate(([0], borders))
        ends = np.concatenate((borders, [len(side)]))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            sign = int(side[start])
            before = int(self._run[channel]) if start == 0 and sign == self._sign[channel] else 0
            length = end - start + before
            if sign and length >= _FLAT_RUN:
                self.clipped[channel] += length if before < _FLAT_RUN else end - start
            self._run[channel] = length if sign else 0
            self._sign[channel] = sign


def _peak(block: Block) -> float:
    """Largest absolute sample; NaN when there is one."""
    if not block.size:
        return 0.0
    return float(np.maximum(block.max(), -block.min()))


class FrameLevels:
    """Sum, energy and peak of every 10 ms of every channel at 16 kHz: 3.6 MB a channel and hour."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._rest = np.zeros((channels, 0), dtype=np.float32)
        self._parts: list[tuple[Block, Block, Block]] = []
        self.samples = 0

    def push(self, block: Block) -> None:
        """Take in `block`, shape (channels, samples)."""
        self.samples += block.shape[1]
        if self._rest.shape[1]:
            block = np.concatenate((self._rest, block), axis=1)
        whole = block.shape[1] // FRAME_SAMPLES * FRAME_SAMPLES
        if whole:
            self._take(block[:, :whole])
        self._rest = block[:, whole:].copy()

    def finish(self) -> None:
        """Take in the last, shorter frame, filled up with zeros."""
        rest = self._rest.shape[1]
        if rest:
            self._take(np.pad(self._rest, ((0, 0), (0, FRAME_SAMPLES - rest))))
            self._rest = self._rest[:, :0]

    def _take(self, block: Block) -> None:
        # Contiguous, and NumPy's own sum: its order of adding does not depend on where a block lies in memory.
        frames = np.ascontiguousarray(block).reshape(self._channels, -1, FRAME_SAMPLES)
        energies = np.square(frames).sum(axis=2)
        self._parts.append((frames.sum(axis=2), energies, np.maximum(frames.max(axis=2), -frames.min(axis=2))))

    def channel(self, channel: int) -> ChannelLevels:
        """The levels of one channel, after `finish`."""
        if not self._parts:
            empty = np.zeros(0, dtype=np.float32)
            return ChannelLevels(empty, empty, empty, self.samples)
        sums, energies, peaks = (np.concatenate([part[i][channel] for part in self._parts]) for i in range(3))
        return ChannelLevels(sums, energies, peaks, self.samples)


class ChannelLevels:
    """Levels of one channel, one value per 10 ms; a constant offset is taken out of `power` and `db`."""

    def __init__(self, sums: Block, energies: Block, peaks: Block, samples: int) -> None:
        self.samples = samples
        self.offset = float(sums.sum(dtype=np.float64) / samples) if samples else 0.0
        """Mean of all samples: the DC offset."""
        mean = sums.astype(np.float64) / FRAME_SAMPLES
        power = energies.astype(np.float64) / FRAME_SAMPLES - 2.0 * mean * self.offset + self.offset**2
        self.power = np.maximum(power, 0.0)
        self.db = decibels(self.power)
        self.peaks = peaks

    @property
    def peak(self) -> float:
        return float(self.peaks.max(initial=0.0))

    def loudest_second_dbfs(self) -> float:
        """Mean power of the hundred loudest frames; the few very loudest (clicks) are left out."""
        if not len(self.power):
            return SILENCE_DBFS
        ordered = np.sort(self.power)[::-1]
        clicks = min(5, len(ordered) // 20)
        return level_dbfs(float(ordered[clicks : clicks + 100].mean()))
