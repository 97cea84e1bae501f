"""Recordings of several audio tracks, made for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from tests.pipeline.audio.sounds import RATE, Samples


@dataclass(frozen=True, slots=True)
class Made:
    """A track to write; a stereo one has two sounds of equal length."""

    sounds: tuple[Samples, ...]
    rate: int = RATE
    starts_s: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)
    codec: str = "aac"


def write_tracks(path: Path, *tracks: Made, form: str = "mp4", video: bool = False) -> Path:
    """One file of these tracks; with `video` a few grey pictures come first."""
    import av
    import soxr

    container: Any
    with av.open(str(path), "w", format=form) as container:
        picture = container.add_stream("mpeg4", rate=5) if video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        streams = []
        for track in tracks:
            stream = container.add_stream(track.codec, rate=track.rate, layout=_layout(track))
            stream.metadata.update(track.tags)
            streams.append(stream)
        if picture is not None:
            for number in range(10):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 20 * number, dtype=np.uint8), format="rgb24")
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        for track, stream in zip(tracks, streams, strict=True):
            samples = np.stack(track.sounds, axis=1)
            if not len(samples):
                continue
            if track.rate != RATE:
                samples = soxr.resample(samples, RATE, track.rate)
            resampler = av.AudioResampler(format=stream.format, layout=_layout(track), rate=track.rate)
            planar = np.ascontiguousarray(samples.T, dtype=np.float32)
            sound = av.AudioFrame.from_ndarray(planar, "fltp", _layout(track))
            sound.sample_rate, sound.time_base = track.rate, Fraction(1, track.rate)
            sound.pts = round(track.starts_s * track.rate)
            for ready in (*resampler.resample(sound), *resampler.resample(None)):
                for packet in stream.encode(ready):
                    container.mux(packet)
            container.mux(stream.encode(None))
    return path


def _layout(track: Made) -> str:
    return ("mono", "stereo")[len(track.sounds) - 1]


def mono(*sounds: Samples, **values: Any) -> Sequence[Made]:
    """A track for each sound."""
    return [Made((sound,), **values) for sound in sounds]
