"""Drawn segments, words and sounds, many of them exactly at a limit: joined, parted and judged as they were."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.config.areas.speech.trust import TrustGateSettings
from pipeline.records import SpeechSegment, Word
from pipeline.transcription import windows
from pipeline.transcription.engine import Part, SegmentResult
from pipeline.transcription.gates import activity, trust
from pipeline.transcription.gates.activity import Activity
from tests.pinned import assert_pinned
from tests.pipeline.transcription.fakes import request

RATE = 16_000


def drawn_segments(draw: random.Random, count: int) -> list[SpeechSegment]:
    found: list[SpeechSegment] = []
    end_s = draw.choice((0.0, 0.2, 0.6))
    for ordinal in range(count):
        start_s = end_s + draw.choice((0.0, 0.3, 0.5, 0.7, -0.2))
        end_s = start_s + draw.choice((0.5, 1.0, 2.0))
        overlap_s = draw.choice((0.0, 0.0, 0.0, 0.2))
        found.append(SpeechSegment(channel=0, ordinal=ordinal, start_s=start_s, end_s=end_s, overlap_s=overlap_s))
    return found


def lines_of_windows() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(90):
        segments = drawn_segments(draw, draw.randrange(1, 6))
        longest_s = draw.choice((None, 2.0, 3.0, 4.5))
        planned = windows.plan_windows(segments, longest_s)
        around = [
            [
                (round(before, 3), round(after, 3))
                for before, after in windows.margins(window, segments, longest_s or 3.0)
            ]
            for window in planned
        ]
        spans = [f"{part.start_s:.1f}-{part.end_s:.1f}" for part in segments]
        yield (
            f"{' '.join(spans)} in {longest_s}: {[len(window) for window in planned]} {windows.joined_s(segments):.3f} "
            f"{around}"
        )
    short, quiet = np.ones(800, np.float32), np.full(300, 0.5, np.float32)
    for pauses in ([None], [quiet]):
        for before, after in (
            (windows._NOTHING, windows._NOTHING),
            (quiet, windows._NOTHING),
            (windows._NOTHING, short),
        ):
            joined = windows.join([request(short, "a"), request(short * 2, "b")], pauses, before, after)
            places = [(part.key, part.first, part.last) for part in joined.parts]
            again = [(part.key, part.samples.size, float(part.samples[0])) for part in windows.part_requests(joined)]
            sound = f"{joined.samples.dtype} {joined.samples.size} {joined.samples.sum():.1f}"
            yield f"joined {joined.key} {sound} {places} {again}"
            alone = windows.join([request(short, "a")], [], before, after)
            yield f"alone {alone.samples.size} {[(part.first, part.last) for part in alone.parts]}"


def lines_of_splits() -> Iterable[str]:
    draw = random.Random(2)
    for _ in range(130):
        parts, first = [], 0
        for number in range(draw.randrange(1, 4)):
            first += draw.choice((0, 4_000, 8_000))
            last = first + draw.choice((8_000, 16_000))
            parts.append(Part(key=f"p{number}", first=first, last=last, place=None))
            first = last
        words, at_s = [], draw.choice((0.0, 0.25))
        for _ in range(draw.randrange(6)):
            end_s = at_s + draw.choice((0.1, 0.25, 0.5, 1.25))
            confidence = draw.choice((0.25, 0.5, 1.0, 1.0, None, 0.0) if draw.random() < 0.3 else (0.25, 1.0))
            words.append(Word(text=draw.choice("abcd"), start_s=at_s, end_s=end_s, confidence=confidence))
            at_s = end_s + draw.choice((0.0, 0.25, 0.5))
        text = draw.choice((" ", "", ", ")).join(word.text for word in words)
        if draw.random() < 0.1:
            text = "another"
        timed = tuple(words) if draw.random() < 0.9 else None
        result = SegmentResult(key="w", text=text, language="en", words=timed, confidence=0.7)
        told = [
            f"{one.key} {one.text!r} {one.confidence and round(one.confidence, 4)} "
            + str(one.words and [f"{word.text}{word.start_s:.2f}-{word.end_s:.2f}" for word in one.words])
            for one in windows.split(result, parts)
        ]
        yield (
            f"{text!r} {[(word.start_s, word.end_s) for word in words]} in "
            f"{[(part.first, part.last) for part in parts]}: {'; '.join(told)}"
        )


def lines_of_sounds() -> Iterable[str]:
    draw = random.Random(3)
    settings = TrustGateSettings()
    for _ in range(50):
        count = draw.choice((0, 1, 3, 12, 40))
        loud = [draw.choice((0.0, 1e-5, 1e-3, 0.01, 0.1, 0.5)) for _ in range(count)]
        samples = np.repeat(np.array(loud, np.float32), 320)
        samples = np.concatenate((samples, np.full(draw.choice((0, 100)), 0.2, np.float32)))
        found = activity.measure(samples, settings)
        levels = activity.frame_levels(samples)
        tails = f"{found.tail_after(0.1):.2f} {found.tail_after(9.0):.2f}"
        yield (
            f"{loud[:12]} {samples.size}: {found.duration_s:.3f} {found.active_s:.2f} {found.loudest_dbfs:.2f} "
            f"{found.dynamics_db:.2f} {found.last_active_s:.2f} {tails} "
            f"{levels.dtype} {levels.size} {activity.quiet_cut(samples)}"
        )


def case_of(draw: random.Random, settings: TrustGateSettings) -> Any:
    letters = draw.choice(("abc", "abcdefghijkl", "où", "жш", "aж", "7", "1a"))
    words = [
        "".join(draw.choice(letters) for _ in range(draw.choice((1, 2, 5, 14))))
        for _ in range(draw.choice((0, 1, 2, 4, 9)))
    ]
    if words and draw.random() < 0.4:
        words = [*words, *[words[-1]] * draw.choice((2, 3, 4, 6, 7, 19, 20, 21))]
    if len(words) > 1 and draw.random() < 0.3:
        words = words[:2] * draw.choice((3, 4, 5, 6))
    text = " ".join(words)
    if draw.random() < 0.1:
        text = draw.choice(("[music]", "♪ la ♪", "(laughs) yes", "Subtitles by the Amara.org community"))
    active_s = draw.choice((0.0, settings.speech_without_text_min_s, 0.5, settings.truncation_min_s, 5.0))
    measured = Activity(
        duration_s=draw.choice((0.5, 1.0, 3.0, 8.0)), active_s=active_s,
        loudest_dbfs=draw.choice((settings.silence_dbfs - 1, settings.silence_dbfs, -20.0)),
        dynamics_db=draw.choice((settings.min_dynamics_db - 0.1, settings.min_dynamics_db, 30.0)),
        last_active_s=draw.choice((0.5, settings.truncation_tail_s + 0.5, 5.0)),
    )  # fmt: skip
    ends_s = draw.choice((None, 0.5, 1.0))
    timed = None if ends_s is None else tuple(Word(text=word, start_s=0.0, end_s=ends_s) for word in words)
    flags = ("decode_truncated",) if draw.random() < 0.05 else ()
    confidence = draw.choice((None, 0.2, 0.3, 0.9))
    context = draw.choice(("", "abc, b", ", ".join(words), ", ".join(words[:-1]), ", ".join(words[:2])))
    language = draw.choice(("en", "ru", None, "fr"))
    result = SegmentResult(key="k", text=text, language=language, words=timed, confidence=confidence, flags=flags)
    asked = replace(request(np.zeros(1, np.float32), "k"), context=context, language=language)
    return SimpleNamespace(
        request=asked, result=result, activity=measured, words=trust.plain_words(text), language=language,
        low_confidence=draw.choice((None, 0.3)),
    )  # fmt: skip


def lines_of_gates() -> Iterable[str]:
    draw = random.Random(4)
    settings = TrustGateSettings()
    for _ in range(400):
        case = case_of(draw, settings)
        closed = [name for name, gate in trust.GATES.items() if gate(case, settings)]
        heard = f"{len(case.words)} {case.activity.active_s:g} {case.language}"
        yield f"{case.result.text[:40]!r} {heard}: {' '.join(closed)}"
    for text in ("", "abc", "жжж", "जी हाँ", "aж" * 3, "".join(map(chr, range(256))) + "ж"):
        yield f"{text[:12]!r} {trust._byte_per_character(text)[:12].hex()}"
    for units in ("", "a", "aaab", "abab", "xababab", "abcabcab"):
        yield f"{units} {[trust._longest_run(tuple(units), size) for size in (1, 2, 3)]}"
    for language in ("en", "fr", "xx", None):
        yield f"{language} {sorted(trust._numerals(language))}"


@pytest.mark.parametrize(
    "lines", [lines_of_windows, lines_of_splits, lines_of_sounds, lines_of_gates], ids=lambda lines: str(lines.__name__)
)
def test_what_became_of_them(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"{lines.__name__}.txt", "\n".join(lines()))
