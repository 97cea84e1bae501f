"""Where the blocks of one track go: cleaned, resampled, measured, and written to a spool file per channel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio.decoding.decode import DecodedBlock, Decoding
from pipeline.audio.decoding.levels import Block, ChannelLevels, FrameLevels, SourceStatistics
from pipeline.audio.decoding.resample import Resampler
from pipeline.audio.decoding.spool import SpoolWriter
from pipeline.config.areas.audio import AudioSettings
from pipeline.disk import spooling

_SILENCE_SAMPLES = 1 << 17
"""Silence is written in blocks of this length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestedChannel:
    """One channel of a track: its samples in a spool file, its statistics in memory."""

    track: int
    """Place in `Ingested.tracks`."""
    path: Path
    levels: ChannelLevels
    non_finite: int
    clipped: int
    source_samples: int
    """As decoded; `non_finite` and `clipped` are among them."""


class TrackSink:
    """Takes in decoded blocks of one track: cleans, resamples, measures, spools.

    Args:
        first: number of its first channel in the call.
        lead: samples of silence (16 kHz) before its own.
    """

    def __init__(self, decoding: Decoding, folder: Path, settings: AudioSettings, first: int, lead: int) -> None:
        self._decoding = decoding
        self._folder = folder
        self._settings = settings
        self._first = first
        self._lead = lead
        self._writer: SpoolWriter | None = None
        self._resampler: Resampler | None = None
        self._source = SourceStatistics(0)
        self._levels = FrameLevels(0)

    @property
    def samples(self) -> int:
        return self._writer.samples if self._writer else 0

    @property
    def own_samples(self) -> int:
        return max(0, self.samples - self._lead)

    @property
    def paths(self) -> tuple[Path, ...]:
        return self._writer.paths if self._writer else ()

    def take(self, block: DecodedBlock) -> None:
        if self._writer is None:
            self._open(self._decoding.channels)
        if self._resampler is None or self._resampler.source_rate_hz != block.sample_rate_hz:
            self._flush()
            self._resampler = Resampler(block.sample_rate_hz, self._decoding.channels, self._settings.resampling)
        self._spool(self._resampler.push(self._source.clean(block.samples)))

    def finish(self, *, decoded: bool) -> None:
        """Take in the rest. Of a track that was not decoded nothing is kept but silence."""
        if not decoded:
            self.close()
            self._resampler, self._lead = None, 0
            self._open(min(max(1, self._decoding.channels), self._settings.max_channels))
        elif self._writer is None:
            self._open(self._decoding.channels)
        self._flush()

    def pad_to(self, samples: int) -> None:
        """Silence up to that length, and the end of the statistics."""
        assert self._writer is not None
        if samples > self.samples:
            with spooling(self._folder.parent):
                self._writer.reopen()
            self._silence(samples - self.samples)
        self._levels.finish()

    def ingested(self, track: int) -> Iterable[IngestedChannel]:
        """Its channels, after `pad_to`."""
        for number, path in enumerate(self.paths):
            yield IngestedChannel(
                track=track,
                path=path,
                levels=self._levels.channel(number),
                non_finite=int(self._source.non_finite[number]),
                clipped=int(self._source.clipped[number]),
                source_samples=self._source.samples,
            )

    def close(self) -> None:
        if self._writer is not None:
            with spooling(self._folder.parent):
                self._writer.close()

    def _open(self, channels: int) -> None:
        self._source, self._levels = SourceStatistics(channels), FrameLevels(channels)
        with spooling(self._folder.parent):
            self._writer = SpoolWriter(self._folder, channels, self._first)
        self._silence(self._lead)

    def _silence(self, samples: int) -> None:
        channels = len(self.paths)
        for start in range(0, samples, _SILENCE_SAMPLES):
            self._spool(np.zeros((min(_SILENCE_SAMPLES, samples - start), channels), dtype=np.float32))

    def _flush(self) -> None:
        if self._resampler is not None:
            self._spool(self._resampler.finish())
            self._resampler = None

    def _spool(self, block: Block) -> None:
        assert self._writer is not None
        if len(block):
            by_channel = np.ascontiguousarray(block.T)
            self._levels.push(by_channel)
            with spooling(self._folder.parent):
                self._writer.write(by_channel)
