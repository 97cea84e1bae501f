"""One pass over each track of a call: decoded, resampled and spooled per channel, with the statistics the doctor needs.

A call is one file or several (a file per side), and a file may hold several audio tracks. All of them become channels
on one clock: later ones begin with silence, shorter ones end with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.audio.decoding.container import Layout, look_at
from pipeline.audio.decoding.decode import Decoding
from pipeline.audio.decoding.joined import another_follows
from pipeline.audio.decoding.ogg import ends_within_page
from pipeline.audio.decoding.sink import IngestedChannel, TrackSink
from pipeline.audio.decoding.tracks import Track, tracks_of
from pipeline.config.areas.audio import AudioSettings
from pipeline.config.areas.sources import RAW_FORMATS, RawFormat
from pipeline.errors import AudioUndecodable, SourceUnreadable
from pipeline.records import SAMPLE_RATE_HZ, UNDECODABLE_TRACK

SEVERAL_TRACKS = "several_tracks"
_UNEQUAL = "sides_differ_in_length"
_SHORTFALL_S = 0.5
_SHORTFALL_SHARE = 0.01
"""A recording this much shorter than its container states is truncated."""
_UNEQUAL_S = 2.0
_UNEQUAL_SHARE = 0.05
"""A side that ends this much before the other may lack its end."""
_LONGEST_SHIFT_S = 3600.0
"""Tracks of one call that begin further apart than this have wrong times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One of a call's files."""

    path: Path
    name: str = ""
    """For messages, where `path` is a copy under a name of ours."""
    starts_s: float = 0.0
    """Seconds after the earliest of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestedTrack:
    """One track of one file."""

    file: int
    """Among the call's files, from 0."""
    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    titles: tuple[str, ...]
    fault: str | None
    """Why it could not be decoded; its channels then hold silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """A decoded call."""

    tracks: tuple[IngestedTrack, ...]
    channels: tuple[IngestedChannel, ...]
    """Of all tracks, in order."""
    samples: int
    """At 16 kHz, in every channel."""
    flags: frozenset[str]
    faults: tuple[str, ...] = ()
    """What could not be decoded, and why."""

    @property
    def duration_s(self) -> float:
        return self.samples / SAMPLE_RATE_HZ

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(channel.path for channel in self.channels)


def ingest(
    path: Path, folder: Path, settings: AudioSettings, raw_formats: Mapping[str, RawFormat] = RAW_FORMATS
) -> Ingested:
    """Decode one recording; see `ingest_call`."""
    return ingest_call((SourceFile(path=path),), folder, settings, raw_formats)


def ingest_call(
    files: Sequence[SourceFile],
    folder: Path,
    settings: AudioSettings,
    raw_formats: Mapping[str, RawFormat] = RAW_FORMATS,
) -> Ingested:
    """Decode all tracks of `files` into files of `folder`; `raw_formats` is the format of files without a header, by
    suffix.

    A track that cannot be decoded beside others that can is flagged, and its channels are silent.
    Raises AudioUndecodable, SourceUnreadable, and DiskFull or TransientError when `folder` cannot be written to.
    """
    flags: set[str] = set()
    taken: list[_Taken] = []
    for number, file in enumerate(files):
        layout = _look_at(file.path, raw_formats)
        flags |= set(layout.riff.flags) if layout.riff else set()
        tracks = tracks_of(file.path, layout)
        flags |= {SEVERAL_TRACKS} if len(tracks) > 1 else set()
        for track in tracks:
            first = sum(len(earlier.sink.paths) for earlier in taken)
            shifted = replace(track, starts_s=track.starts_s + file.starts_s)
            taken.append(_take(number, file, layout, shifted, len(tracks), folder, settings, first))
        if (taken[-1].decoding.container == "ogg" and ends_within_page(file.path)) or another_follows(file.path):
            flags.add("truncated")
    sound = [track for track in taken if track.fault is None]
    if not sound:
        raise next(track.fault for track in taken if track.fault is not None)
    longest = max(track.sink.samples for track in sound)
    for passed in taken:
        with closing(passed.sink):
            flags |= passed.flags(longest)
            passed.sink.pad_to(longest)
    return Ingested(
        tracks=tuple(track.described() for track in taken),
        channels=tuple(channel for number, track in enumerate(taken) for channel in track.sink.ingested(number)),
        samples=longest,
        flags=frozenset(flags),
        faults=tuple(str(track.fault) for track in taken if track.fault is not None),
    )


def _look_at(path: Path, raw_formats: Mapping[str, RawFormat]) -> Layout:
    try:
        return look_at(path, raw_formats)
    except OSError as error:
        raise SourceUnreadable(f"{path.name}: cannot be read now: {error}; it is tried again") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A track after its pass."""

    file: int
    track: Track
    decoding: Decoding
    sink: TrackSink
    cut: bool
    fault: AudioUndecodable | None

    def flags(self, longest: int) -> set[str]:
        """What is odd about it, in a call of `longest` samples."""
        if self.fault is not None:
            return {UNDECODABLE_TRACK}
        flags = _flags(self.decoding, self.sink.own_samples / SAMPLE_RATE_HZ, self.cut)
        short_s = (longest - self.sink.samples) / SAMPLE_RATE_HZ
        if self.sink.own_samples and short_s > max(_UNEQUAL_S, _UNEQUAL_SHARE * longest / SAMPLE_RATE_HZ):
            flags.add(_UNEQUAL)
        return flags

    def described(self) -> IngestedTrack:
        return IngestedTrack(
            file=self.file,
            container=self.decoding.container,
            codec=self.decoding.codec,
            sample_rate_hz=self.decoding.sample_rate_hz,
            channels=len(self.sink.paths),
            titles=self.track.titles,
            fault=None if self.fault is None else str(self.fault),
        )


def _take(  # noqa: PLR0917 - each is a different kind of thing
    number: int,
    file: SourceFile,
    layout: Layout,
    track: Track,
    among: int,
    folder: Path,
    settings: AudioSettings,
    first: int,
) -> _Taken:
    """Decode one track `among` those of its file; its first channel gets the number `first`."""
    decoding = Decoding(file.path, layout, track.number if among > 1 else None, file.name)
    starts_s = track.starts_s if track.starts_s <= _LONGEST_SHIFT_S else 0.0
    sink = TrackSink(decoding, folder, settings, first, round(starts_s * SAMPLE_RATE_HZ))
    cut, fault = False, None
    with closing(sink):
        try:
            cut = _decode(decoding, sink, settings)
        except AudioUndecodable as error:
            fault = error
        sink.finish(decoded=fault is None)
    return _Taken(file=number, track=track, decoding=decoding, sink=sink, cut=cut, fault=fault)


def _decode(decoding: Decoding, sink: TrackSink, settings: AudioSettings) -> bool:
    """Whether sound beyond `audio.max_duration_h` was left. Raises AudioUndecodable."""
    most = settings.max_duration_h * 3600 * SAMPLE_RATE_HZ
    with closing(decoding.blocks(settings.block_s)) as blocks:
        for block in blocks:
            if decoding.channels > settings.max_channels:
                raise AudioUndecodable(
                    f"{decoding.where}: {decoding.channels} channels, more than audio.max_channels "
                    f"({settings.max_channels})"
                )
            if sink.samples >= most:
                return True
            sink.take(block)
    if not sink.own_samples and (decoding.decode_errors or not decoding.channels):
        raise AudioUndecodable(
            f"{decoding.where}: nothing in it could be decoded ({decoding.decode_errors} broken packets); "
            "replace the file"
        )
    return False


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
