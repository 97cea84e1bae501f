"""The audio tracks of a recording: how many there are, what they are called and when they begin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.audio.decoding.container import Layout, open_container
from pipeline.audio.decoding.decode import sounding_frames
from pipeline.errors import AudioUndecodable

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

_TITLES = ("title", "name", "handler_name", "comment", "description", "language")
"""Where containers say what a track is, the most telling first."""
_MAX_TRACKS = 64
_MAX_BROKEN = 1_000
"""Packets in a row that are tried before a track's beginning is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One audio track."""

    number: int = 0
    """Among the audio tracks of the file, from 0."""
    titles: tuple[str, ...] = ()
    """Title, handler name, language and the like, as they are written; only read where there are several tracks."""
    starts_s: float = 0.0
    """Seconds after the earliest track."""


ALONE = (Track(),)


def tracks_of(path: Path, layout: Layout) -> tuple[Track, ...]:
    """Every audio track, in the order of the file.

    A file that cannot be opened, or holds no sound, has one track: decoding it says what is wrong.
    Raises AudioUndecodable for more tracks than any call has.
    """
    import av.error

    if layout.riff is not None or layout.raw is not None:
        return ALONE
    try:
        with open_container(path, layout) as container:
            titles = [_titles(stream) for stream in container.streams.audio]
        if len(titles) < 2:
            return ALONE
        if len(titles) > _MAX_TRACKS:
            raise AudioUndecodable(f"{path.name}: {len(titles)} audio tracks; no call has more than {_MAX_TRACKS}")
        starts = [_first_sound_s(path, layout, number) for number in range(len(titles))]
    except (av.error.FFmpegError, OSError, ValueError):
        return ALONE
    earliest = min((start for start in starts if start is not None), default=0.0)
    return tuple(
        Track(number=number, titles=named, starts_s=0.0 if start is None else start - earliest)
        for number, (named, start) in enumerate(zip(titles, starts, strict=True))
    )


def _titles(stream: AudioStream) -> tuple[str, ...]:
    return tuple(stream.metadata[key] for key in _TITLES if stream.metadata.get(key))


def _first_sound_s(path: Path, layout: Layout, number: int) -> float | None:
    """The time of a track's first samples, edit lists applied; None where it has none or they carry no time."""
    with open_container(path, layout) as container:
        stream = container.streams.audio[number]
        if stream.codec_context is None:
            return None
        frames = sounding_frames(container.demux(stream), _MAX_BROKEN)
        return next((frame.time for frame in frames), None)
