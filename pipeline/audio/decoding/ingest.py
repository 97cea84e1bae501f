"""One pass over a recording: decoded, resampled and spooled per channel, with the statistics the doctor needs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio.decoding.container import look_at
from pipeline.audio.decoding.decode import DecodedBlock, Decoding
from pipeline.audio.decoding.levels import Block, FrameLevels, SourceStatistics
from pipeline.audio.decoding.ogg import ends_within_page
from pipeline.audio.decoding.resample import Resampler
from pipeline.audio.decoding.spool import SpoolWriter
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import RAW_FORMATS, RawFormat
from pipeline.disk import spooling
from pipeline.errors import AudioUndecodable, SourceUnreadable
from pipeline.records import SAMPLE_RATE_HZ

_SHORTFALL_S = 0.5
_SHORTFALL_SHARE = 0.01
"""A recording this much shorter than its container states is truncated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """A decoded call: samples in spool files, statistics in memory."""

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    samples: int
    """At 16 kHz, per channel."""
    paths: tuple[Path, ...]
    source: SourceStatistics
    levels: FrameLevels
    flags: frozenset[str]

    @property
    def duration_s(self) -> float:
        return self.samples / SAMPLE_RATE_HZ


def ingest(
    path: Path, folder: Path, settings: AudioSettings, raw_formats: Mapping[str, RawFormat] = RAW_FORMATS
) -> Ingested:
    """Decode `path` into files of `folder`; `raw_formats` gives the format of files without a header, by suffix.

    Raises AudioUndecodable, SourceUnreadable, and DiskFull or TransientError when `folder` cannot be written to.
    """
    try:
        layout = look_at(path, raw_formats)
    except OSError as error:
        raise SourceUnreadable(f"{path.name}: cannot be read now: {error}; it is tried again") from error
    decoding = Decoding(path, layout)
    sink = _Sink(decoding, folder, settings)
    most = settings.max_duration_h * 3600 * SAMPLE_RATE_HZ
    cut = False
    with closing(sink), closing(decoding.blocks(settings.block_s)) as blocks:
        for block in blocks:
            if decoding.channels > settings.max_channels:
                raise AudioUndecodable(
                    f"{path.name}: {decoding.channels} channels, more than audio.max_channels ({settings.max_channels})"
                )
            if sink.samples >= most:
                cut = True
                break
            sink.take(block)
        sink.finish()
    if not sink.samples and (decoding.decode_errors or not decoding.channels):
        raise AudioUndecodable(
            f"{path.name}: nothing in it could be decoded ({decoding.decode_errors} broken packets); replace the file"
        )
    flags = set(layout.riff.flags) if layout.riff else set()
    flags |= _flags(decoding, sink.samples / SAMPLE_RATE_HZ, cut)
    if decoding.container == "ogg" and ends_within_page(path):
        flags.add("truncated")
    return Ingested(
        container=decoding.container,
        codec=decoding.codec,
        sample_rate_hz=decoding.sample_rate_hz,
        channels=decoding.channels,
        samples=sink.samples,
        paths=sink.paths,
        source=sink.source,
        levels=sink.levels,
        flags=frozenset(flags),
    )


def _flags(decoding: Decoding, duration_s: float, cut: bool) -> set[str]:
    flags = set()
    if decoding.decode_errors:
        flags.add("decode_errors")
    if decoding.gaps_filled:
        flags.add("gaps_filled")
    if decoding.format_changes:
        flags.add("format_change")
    if cut:
        flags.add("cut_at_max_duration")
    elif (claimed := decoding.claimed_duration_s) is not None:
        missing = claimed - duration_s
        if missing > max(_SHORTFALL_S, _SHORTFALL_SHARE * claimed):
            flags.add("truncated")
    return flags


class _Sink:
    """Takes in decoded blocks: cleans, resamples, measures, spools."""

    def __init__(self, decoding: Decoding, folder: Path, settings: AudioSettings) -> None:
        self._decoding = decoding
        self._folder = folder
        self._settings = settings
        self._writer: SpoolWriter | None = None
        self._resampler: Resampler | None = None
        self.source = SourceStatistics(0)
        self.levels = FrameLevels(0)

    @property
    def samples(self) -> int:
        return self._writer.samples if self._writer else 0

    @property
    def paths(self) -> tuple[Path, ...]:
        return self._writer.paths if self._writer else ()

    def take(self, block: DecodedBlock) -> None:
        if self._writer is None:
            self._open()
        if self._resampler is None or self._resampler.source_rate_hz != block.sample_rate_hz:
            self._flush()
            self._resampler = Resampler(block.sample_rate_hz, self._decoding.channels, self._settings.resampling)
        self._spool(self._resampler.push(self.source.clean(block.samples)))

    def finish(self) -> None:
        if self._writer is None:
            self._open()
        self._flush()
        self.levels.finish()

    def close(self) -> None:
        if self._writer is not None:
            with spooling(self._folder.parent):
                self._writer.close()

    def _open(self) -> None:
        channels = self._decoding.channels
        self.source, self.levels = SourceStatistics(channels), FrameLevels(channels)
        with spooling(self._folder.parent):
            self._writer = SpoolWriter(self._folder, channels)

    def _flush(self) -> None:
        if self._resampler is not None:
            self._spool(self._resampler.finish())
            self._resampler = None

    def _spool(self, block: Block) -> None:
        assert self._writer is not None
        if len(block):
            by_channel = np.ascontiguousarray(block.T)
            self.levels.push(by_channel)
            with spooling(self._folder.parent):
                self._writer.write(by_channel)
