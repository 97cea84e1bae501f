"""Windows of speech, their voice vectors, and how loud each moment is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.diarisation.voices.encoder import FRAME_S, Floats, level_gain, spectra
from pipeline.records import SAMPLE_RATE_HZ, SpeechSegment

WINDOW_S = 1.0
"""Shorter than in training (1.6 s): answers on the telephone are short."""
STEP_S = 0.4
_QUIET_DB = 25.0
"""A window this far below the loud ones (the 95th percentile) holds no speaker's voice: breath, hum or clicks that
voice activity took for speech. Also what counts as a pause beside a channel's loudest speech (`audio.channels`)."""
_BATCH = 64
_MARGIN_FRAMES = round(WINDOW_S / FRAME_S)


@dataclass(frozen=True, slots=True)
class Windows:
    """Of one recording, in time order; every moment of its speech is nearest to one of them."""

    centre_s: npt.NDArray[np.float64]
    segment: npt.NDArray[np.int64]
    """Place of the segment the centre lies in."""
    vectors: Floats
    """Shape (windows, 256)."""
    level_db: npt.NDArray[np.float64]
    """Of each window, against any one level."""

    def audible(self) -> Windows:
        """Those that are loud enough to hold a speaker's voice: all but the quiet ones."""
        if not self.level_db.size:
            return self
        kept = self.level_db >= np.percentile(self.level_db, 95) - _QUIET_DB
        return Windows(self.centre_s[kept], self.segment[kept], self.vectors[kept], self.level_db[kept])


@dataclass(frozen=True, slots=True)
class Loudness:
    """Power of a segment every 10 ms, from its start."""

    start_s: float
    power: Floats

    def quietest_s(self, from_s: float, to_s: float) -> float:
        """The middle of the quietest 100 ms between the two."""
        first = max(0, math.floor((from_s - self.start_s) / FRAME_S))
        last = min(self.power.size, math.ceil((to_s - self.start_s) / FRAME_S) + 1)
        smooth = np.convolve(self.power, np.ones(10, dtype=np.float32), mode="same")[first:last]
        return self.start_s + (first + int(np.argmin(smooth))) * FRAME_S if smooth.size else from_s


def centres(segments: Sequence[SpeechSegment]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Centres of the windows, spread evenly over each segment, and the place of their segment.

    What a segment repeats of the one before (`overlap_s`) has its windows there.
    """
    moments: list[float] = []
    places: list[int] = []
    for index, segment in enumerate(segments):
        start_s = segment.start_s + segment.overlap_s
        count = max(1, math.ceil((segment.end_s - start_s) / STEP_S))
        moments.extend(start_s + (number + 0.5) * (segment.end_s - start_s) / count for number in range(count))
        places.extend([index] * count)
    return np.array(moments), np.array(places, dtype=np.int64)


def encode(
    samples: Floats,
    segments: Sequence[SpeechSegment],
    vectors_of: Callable[[Floats], Floats],
    check_time: Callable[[], None],
) -> tuple[Windows, list[Loudness]]:
    """Windows of all segments and the loudness of each.

    Args:
        samples: mono at 16 kHz; may be a memory map, read a segment at a time.
        vectors_of: from the spectra of windows to their voice vectors (`VoiceEncoder.vectors`).
        check_time: called between batches; what it raises is passed on.
    """
    centre_s, segment_of = centres(segments)
    gain = level_gain(_stretch(samples, segment.start_s, segment.end_s) for segment in segments)
    loudness: list[Loudness] = []
    vectors: list[Floats] = []
    waiting: list[Floats] = []
    power: list[float] = []

    def flush() -> None:
        check_time()
        # Batches are filled up: the last bits of a product depend on its shape.
        batch = np.zeros((_BATCH, *waiting[0].shape), dtype=np.float32)
        batch[: len(waiting)] = waiting
        vectors.append(vectors_of(batch)[: len(waiting)])
        waiting.clear()

    for number, segment in enumerate(segments):
        bands = _bands(samples, segment, gain)
        loudness.append(Loudness(segment.start_s, bands[_MARGIN_FRAMES:-_MARGIN_FRAMES].sum(axis=1)))
        for window in _cut(bands, centre_s[segment_of == number] - segment.start_s):
            power.append(float(window.sum(axis=1).mean()))
            waiting.append(window)
            if len(waiting) == _BATCH:
                flush()
    if waiting:
        flush()
    found = np.concatenate(vectors) if vectors else np.zeros((0, 0), np.float32)
    return Windows(centre_s, segment_of, found, 10.0 * np.log10(np.array(power) + 1e-12)), loudness


def _bands(samples: Floats, segment: SpeechSegment, gain: float) -> Floats:
    """Spectra of a segment with a window's length on either side; silence beyond the recording."""
    margin = _MARGIN_FRAMES * round(FRAME_S * SAMPLE_RATE_HZ)
    first = round(segment.start_s * SAMPLE_RATE_HZ) - margin
    last = round(segment.end_s * SAMPLE_RATE_HZ) + margin
    inside = np.asarray(samples[max(first, 0) : last], dtype=np.float32)
    before = max(-first, 0)
    padded = np.pad(inside, (before, last - first - before - inside.size))
    return spectra(padded * np.float32(gain))


def _cut(bands: Floats, offsets_s: npt.NDArray[np.float64]) -> Iterator[Floats]:
    """The windows around these moments, in seconds from the segment's start; shape (100, 40) each."""
    frames = round(WINDOW_S / FRAME_S)
    for offset_s in offsets_s:
        first = _MARGIN_FRAMES + round(offset_s / FRAME_S) - frames // 2
        yield bands[first : first + frames]


def _stretch(samples: Floats, from_s: float, to_s: float) -> Floats:
    return np.asarray(samples[round(from_s * SAMPLE_RATE_HZ) : round(to_s * SAMPLE_RATE_HZ)], dtype=np.float32)
