"""From probabilities of speech to segments for the recogniser. All positions are samples at 16 kHz."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.audio.decoding.levels import FRAME_S, FRAME_SAMPLES, SILENCE_DBFS, decibels
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import SAMPLE_RATE_HZ, SpeechSegment, SpeechSpan

MOST_FOLLOWED_S = 0.5
"""How far a quiet beginning is followed back at most."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A stretch of one channel: samples `start` to `end`, `end` not included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


def find_speech(
    scores: npt.NDArray[np.float32], step_samples: int, total_samples: int, settings: VoiceActivitySettings
) -> list[Interval]:
    """Stretches of speech without padding, sorted, apart: hysteresis, shortest speech, shortest silence.

    Speech begins at a score of `threshold`. It ends where scores have fallen below `neg_threshold` and stay below
    `threshold` for `min_silence_ms`.
    """
    min_silence = samples_of(settings.min_silence_ms)
    min_speech = samples_of(settings.min_speech_ms)
    found: list[Interval] = []
    start: int | None = None
    quiet_from: int | None = None
    for index, score in enumerate(scores.tolist()):
        sample = index * step_samples
        if score >= settings.threshold:
            quiet_from = None
            start = sample if start is None else start
        elif start is not None and score < settings.neg_threshold:
            quiet_from = sample if quiet_from is None else quiet_from
            if sample + step_samples - quiet_from >= min_silence:
                found.append(Interval(start, quiet_from))
                start = quiet_from = None
    if start is not None:
        found.append(Interval(start, total_samples if quiet_from is None else quiet_from))
    kept = [Interval(i.start, min(i.end, total_samples)) for i in found if i.start < total_samples]
    return [i for i in kept if i.length >= min_speech and i.length > 0]


def earlier_onsets(intervals: Sequence[Interval], lag: int) -> list[Interval]:
    """Each interval, begun `lag` samples earlier, though not before the end of the one before."""
    ends = [0, *(interval.end for interval in intervals)]
    return [
        replace(interval, start=max(end, interval.start - lag)) for end, interval in zip(ends, intervals, strict=False)
    ]


def followed_onsets(
    intervals: Sequence[Interval], scores: npt.NDArray[np.float32], step_samples: int, least: float
) -> list[Interval]:
    """Each interval, begun where scores reach `least` and stay there until it begins.

    At most `MOST_FOLLOWED_S` earlier, and not before the end of the one before. After silence a detector's scores rise
    over several tenths of a second of clear speech.
    """
    followed: list[Interval] = []
    furthest = round(MOST_FOLLOWED_S * SAMPLE_RATE_HZ / step_samples)
    end = 0
    for interval in intervals:
        step = interval.start // step_samples
        earliest = max(step - furthest, -(-end // step_samples), 0)
        while step > earliest and scores[step - 1] >= least:
            step -= 1
        followed.append(replace(interval, start=min(interval.start, step * step_samples)))
        end = interval.end
    return followed


def parts_within(intervals: Sequence[Interval], within: Interval) -> list[Interval]:
    """The parts of `intervals`, in order and apart, that lie in `within`."""
    if within.length <= 0:
        return []
    first = bisect_right(intervals, within.start, key=lambda interval: interval.end)
    beyond = bisect_left(intervals, within.end, key=lambda interval: interval.start)
    return [Interval(max(part.start, within.start), min(part.end, within.end)) for part in intervals[first:beyond]]


def parts_reaching(intervals: Sequence[Interval], within: Interval, before: int) -> list[Interval]:
    """`parts_within`; the first one whole where it begins up to `MOST_FOLLOWED_S` earlier, not before `before`."""
    parts = parts_within(intervals, within)
    if parts and parts[0].start == within.start:
        whole = intervals[bisect_right(intervals, within.start, key=lambda interval: interval.end)]
        if whole.start >= max(before, within.start - round(MOST_FOLLOWED_S * SAMPLE_RATE_HZ)):
            parts[0] = replace(parts[0], start=min(within.start, whole.start))
    return parts


def pad(intervals: Sequence[Interval], padding: int, total_samples: int) -> list[Interval]:
    """Each interval, longer by `padding` on both sides; two that would meet share the pause between them."""
    padded: list[Interval] = []
    for index, interval in enumerate(intervals):
        earliest = 0 if index == 0 else (intervals[index - 1].end + interval.start) // 2
        latest = total_samples if index == len(intervals) - 1 else (interval.end + intervals[index + 1].start) // 2
        padded.append(Interval(max(earliest, interval.start - padding), min(latest, interval.end + padding)))
    return padded


def without(intervals: Sequence[Interval], excluded: Sequence[Interval], shortest: int) -> list[Interval]:
    """`intervals` less `excluded`. Remainders of a cut interval that are shorter than `shortest` are dropped."""
    kept: list[Interval] = []
    for interval in intervals:
        pieces = [interval]
        for hole in excluded:
            pieces = [piece for whole in pieces for piece in _less(whole, hole)]
        if pieces == [interval]:
            kept.append(interval)
        else:
            kept.extend(piece for piece in pieces if piece.length >= max(1, shortest))
    return kept


def _less(interval: Interval, hole: Interval) -> list[Interval]:
    if hole.end <= interval.start or hole.start >= interval.end:
        return [interval]
    parts = (Interval(interval.start, hole.start), Interval(hole.end, interval.end))
    return [part for part in parts if part.length > 0]


def plan_segments(
    speech: Sequence[Interval],
    levels_db: npt.NDArray[np.float64],
    channel: int,
    settings: VoiceActivitySettings,
    *,
    barriers: Sequence[Interval] = (),
    spoken: Sequence[Interval] | None = None,
) -> tuple[SpeechSegment, ...]:
    """Segments no longer than `max_segment_s`: neighbours with a short pause merged, longer speech cut.

    Args:
        speech: with padding.
        levels_db: the level of each 10 ms.
        barriers: nothing is merged across one of these.
        spoken: the same speech without padding; None where it is not known. It may begin before its padding does,
            where its beginning is quiet (`followed_onsets`).
    """
    segments: list[SpeechSegment] = []
    before = 0
    for interval in _merge(speech, settings, barriers):
        for start, end, overlap in _cut(interval, levels_db, settings):
            own = None if spoken is None else parts_reaching(spoken, Interval(start, end), min(before, start))
            before = end
            segments.append(
                SpeechSegment(
                    channel=channel,
                    ordinal=len(segments),
                    start_s=start / SAMPLE_RATE_HZ,
                    end_s=end / SAMPLE_RATE_HZ,
                    overlap_s=overlap / SAMPLE_RATE_HZ,
                    speech=None if own is None else _seconds(own),
                )
            )
    return tuple(segments)


def _merge(speech: Sequence[Interval], settings: VoiceActivitySettings, barriers: Sequence[Interval]) -> list[Interval]:
    longest = int(settings.max_segment_s * SAMPLE_RATE_HZ)
    pause = samples_of(settings.merge_silence_ms)
    merged: list[Interval] = []
    for interval in speech:
        last = merged[-1] if merged else None
        if (
            last is not None
            and interval.start - last.end <= pause
            and interval.end - last.start <= longest
            and not any(last.end <= b.start and b.end <= interval.start for b in barriers)
        ):
            merged[-1] = Interval(last.start, interval.end)
        else:
            merged.append(interval)
    return merged


def _cut(
    interval: Interval, levels_db: npt.NDArray[np.float64], settings: VoiceActivitySettings
) -> list[tuple[int, int, int]]:
    """(start, end, overlap with the one before) of each piece."""
    longest = int(settings.max_segment_s * SAMPLE_RATE_HZ)
    overlap = int(settings.overlap_s * SAMPLE_RATE_HZ)
    pieces: list[tuple[int, int, int]] = []
    start, repeated = interval.start, 0
    while interval.end - start > longest:
        earliest = start + int(longest * (1.0 - settings.cut_search_share))
        cut, quiet = _quietest(levels_db, earliest, start + longest, settings)
        pieces.append((start, cut, repeated))
        repeated = 0 if quiet else overlap
        start = cut - repeated
    pieces.append((start, interval.end, repeated))
    return pieces


def _quietest(
    levels_db: npt.NDArray[np.float64], earliest: int, latest: int, settings: VoiceActivitySettings
) -> tuple[int, bool]:
    """The quietest place between two samples, and whether it is quiet compared with the speech around it."""
    first = -(-earliest // FRAME_SAMPLES)
    around = levels_db[first : latest // FRAME_SAMPLES]
    if not len(around):
        return latest, False
    width = max(1, min(len(around), round(settings.cut_smoothing_ms / 1000 / FRAME_S)))
    smooth = decibels(np.convolve(10.0 ** (around / 10.0), np.full(width, 1.0 / width), mode="valid"))
    best = int(np.argmin(smooth))
    speech = float(np.percentile(around, 90.0))
    cut = (first + best) * FRAME_SAMPLES + width * FRAME_SAMPLES // 2
    quiet = smooth[best] <= max(speech - settings.cut_quiet_db, SILENCE_DBFS)
    return min(max(cut, earliest), latest), bool(quiet)


def _seconds(intervals: Sequence[Interval]) -> tuple[SpeechSpan, ...]:
    return tuple((interval.start / SAMPLE_RATE_HZ, interval.end / SAMPLE_RATE_HZ) for interval in intervals)


def samples_of(milliseconds: float) -> int:
    return round(milliseconds * SAMPLE_RATE_HZ / 1000)
