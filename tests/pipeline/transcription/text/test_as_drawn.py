"""Drawn repeats at the seam of two segments, and numbers in sentences: joined and written as they were."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest

from pipeline.config.areas.speech.text_rules import TextRuleSettings
from pipeline.records import SegmentText, Word
from pipeline.transcription.text.overlap import join_overlap
from pipeline.transcription.text.rules import STEPS, TextRules
from tests.pinned import assert_pinned


def segment(draw: random.Random, ordinal: int, start_s: float, texts: list[str], overlap_s: float) -> SegmentText:
    times, at_s = [], start_s
    for text in texts:
        times.append(Word(text=text, start_s=at_s, end_s=at_s + 0.5))
        at_s += 0.5
    if draw.random() < 0.15 and times:
        times.pop()
    return SegmentText(
        channel=0, ordinal=ordinal, start_s=start_s, end_s=start_s + 0.5 * len(texts), text=" ".join(texts),
        language="en", overlap_s=overlap_s, words=tuple(times) if draw.random() < 0.8 else None,
    )  # fmt: skip


def lines_of_seams() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(200):
        shared = draw.choice((0, 1, 2, 3, 4, 8))
        words = [draw.choice("abcdefgh") for _ in range(draw.choice((2, 5, 12)))]
        own = draw.choice(("repeat", "other"))
        first = words + [draw.choice("xyz") for _ in range(draw.choice((0, 0, 1, 2, 3)))]
        again = [word.upper() + "," for word in words[len(words) - shared :]] if own == "repeat" else []
        second = (
            [draw.choice("uvw") for _ in range(draw.choice((0, 0, 1, 2, 3)))]
            + again
            + list("mnop")[: draw.randrange(5)]
        )
        overlap_s = draw.choice((0.5, 1.0, 2.0))
        before = segment(draw, 0, 0.0, first, 0.0)
        after = segment(draw, 1, before.end_s - overlap_s, second or ["q"], overlap_s)
        kept, left = join_overlap(before, after)
        times = [one.words and [f"{word.text}{word.start_s:g}" for word in one.words] for one in (kept, left)]
        yield f"{before.text} | {after.text} +{overlap_s}: {kept.text} | {left.text} {times}"


TEXTS = (
    "I owe 1,234.50 for 3 of 21st and 2nd.",
    "call 0123456 or 1 234 567",
    "12.05.2026 at 10:15",
    "1.5 2,75 0,5 and 007",
    "1.234.567 und 3,14",
    "le 1er et la 2e, 1 000 euros, 71 et 80",
    "1234567890123 100000000000000",
    "٣٫١٤ و ١٬٢٣٤",
    "a1 1a #5 5% 1.2.3",
    "don't we'll can't it's",
    "Crème brûlée ÉCOLE",
    "twenty one and one hundred five point two",
    "  two   spaces\tand\nlines ",
    "...hello there. yes! ok",
    "أنا إلى مدرسة",
    "0 00 10 110 1000",
)


def lines_of_steps() -> Iterable[str]:
    for text in TEXTS:
        for name, step in STEPS.items():
            for language in ("en", "fr", "de", "ar", None):
                made = step(text, language)
                if made != text:
                    yield f"{name} {language}: {made!r}"
        rules = TextRules(TextRuleSettings())
        yield f"shown {rules.shown(text, 'en')!r} {rules.shown(text, 'xx')!r} {rules.shown(text, None)!r}"
        yield f"compared {rules.compared(text, 'en')!r} {rules.compared(text, 'fr')!r} {rules.compared(text, None)!r}"


@pytest.mark.parametrize("lines", [lines_of_seams, lines_of_steps], ids=lambda lines: str(lines.__name__))
def test_what_was_written(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"{lines.__name__}.txt", "\n".join(lines()))
