"""Drawn scores, stretches and levels, many of them exactly at a limit: they become the segments that they became."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from pipeline.audio import segments
from pipeline.audio.segments import Interval
from pipeline.config.areas.speech.voice_activity import VoiceActivitySettings
from pipeline.records import SpeechSegment
from tests.pinned import assert_pinned

STEP = 512


def settings(draw: random.Random, **values: float) -> VoiceActivitySettings:
    drawn = {
        "threshold": 0.5, "neg_threshold": 0.3, "min_speech_ms": draw.choice((0, 32, 64)),
        "min_silence_ms": draw.choice((32, 64, 96)), "merge_silence_ms": draw.choice((0, 100, 300)),
        "max_segment_s": 5.0, "overlap_s": 0.5, **values,
    }  # fmt: skip
    return VoiceActivitySettings.model_validate(drawn)


def drawn_intervals(draw: random.Random, count: int, unit: int) -> list[Interval]:
    found: list[Interval] = []
    end = draw.choice((0, 0, 1, 3)) * unit
    for _ in range(count):
        start = end + draw.choice((1, 2, 3)) * unit * draw.choice((0, 1, 1))
        end = start + draw.choice((1, 2, 4)) * unit
        found.append(Interval(start, end))
        end += draw.choice((0, 1)) * unit // 2
    return found


def shown(intervals: Iterable[Interval]) -> str:
    return " ".join(f"{interval.start}-{interval.end}" for interval in intervals) or "none"


def lines_of_speech() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(120):
        scores = np.array([draw.choice((0.0, 0.29, 0.3, 0.4, 0.5, 0.9)) for _ in range(14)], np.float32)
        total = draw.choice((14, 14, 12, 3)) * STEP - draw.choice((0, 100))
        options = settings(draw)
        found = segments.find_speech(scores, STEP, total, options)
        earlier = segments.earlier_onsets(found, draw.choice((0, STEP, 3 * STEP)))
        followed = segments.followed_onsets(found, scores, STEP, draw.choice((0.29, 0.4)))
        padded = segments.pad(found, draw.choice((0, STEP, 700)), total)
        yield f"{scores.tolist()} {total}: {shown(found)} | {shown(earlier)} | {shown(followed)} | {shown(padded)}"
    long = np.array([0.4] * 40 + [0.9, 0.9], np.float32)
    late = [Interval(40 * STEP + 5, 42 * STEP)]
    yield f"followed {shown(segments.followed_onsets(late, long, STEP, 0.4))}"


def lines_of_parts() -> Iterable[str]:
    draw = random.Random(2)
    for _ in range(100):
        intervals = drawn_intervals(draw, draw.randrange(5), 4_000)
        start = draw.randrange(0, 8) * 2_000
        within = Interval(start, start + draw.choice((0, 2_000, 8_000, 30_000)))
        before = draw.choice((0, 2_000, 6_000))
        excluded = drawn_intervals(draw, draw.randrange(3), 2_000)
        yield (
            f"{shown(intervals)} within {shown([within])}: {shown(segments.parts_within(intervals, within))} | "
            f"{shown(segments.parts_reaching(intervals, within, before))} | without {shown(excluded)}: "
            f"{shown(segments.without(intervals, excluded, draw.choice((0, 2_000, 2_001))))}"
        )


def told(planned: Iterable[SpeechSegment]) -> str:
    return " ".join(
        f"{part.channel}.{part.ordinal}:{part.start_s:.3f}-{part.end_s:.3f}+{part.overlap_s:.2f}"
        f"({' '.join(f'{start:.3f}-{end:.3f}' for start, end in part.speech) if part.speech is not None else '?'})"
        for part in planned
    )


def lines_of_plans() -> Iterable[str]:
    draw = random.Random(3)
    for _ in range(70):
        speech = drawn_intervals(draw, draw.randrange(1, 6), 16_000)
        speech = [Interval(part.start, part.end + draw.choice((0, 80_000, 130_000))) for part in speech[-1:]] + [
            Interval(200_000 + part.start, 200_000 + part.end) for part in speech
        ]
        levels = np.array([draw.choice((-60.0, -40.0, -31.0, -30.0, -20.0)) for _ in range(2_600)])
        barriers = drawn_intervals(draw, 2, 16_000) if draw.random() < 0.4 else []
        barriers += [Interval(after.start - 1_000, after.start) for after in speech[2:3] if draw.random() < 0.3]
        spoken = [Interval(part.start + 2_000, part.end - 2_000) for part in speech] if draw.random() < 0.7 else None
        options = settings(draw)
        found = segments.plan_segments(speech, levels, draw.randrange(2), options, barriers=barriers, spoken=spoken)
        yield f"{shown(speech)}, barriers {shown(barriers)}: {told(found)}"
    options = VoiceActivitySettings(max_segment_s=5.0)
    for length in (80_000, 80_001, 160_000, 400_000):
        yield f"{length}: {told(segments.plan_segments([Interval(0, length)], np.full(2, -30.0), 0, options))}"
    for pause in (0.0, -30.0, -45.0, -119.0, -200.0):
        levels = np.full(600, -20.0)
        levels[340:380] = pause
        yield f"a pause at {pause}: {segments._quietest(levels, 40_003, 80_000, options)}"
        yield f"  silence {segments._quietest(np.full(600, pause), 40_003, 80_000, options)}"
    for quiet in (-26.0, -30.0, -32.0, -35.0):
        levels = np.full(600, -20.0)
        levels[300:420] = quiet
        yield f"quiet by {quiet}: {segments._quietest(levels, 40_000, 80_000, options)}"
    yield f"samples {[segments.samples_of(value) for value in (0, 0.03, 0.04, 31.25, 100)]}"


@pytest.mark.parametrize(
    "lines", [lines_of_speech, lines_of_parts, lines_of_plans], ids=lambda lines: str(lines.__name__)
)
def test_what_became_of_them(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"segments_{lines.__name__}.txt", "\n".join(lines()))
