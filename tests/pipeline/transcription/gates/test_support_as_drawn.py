"""Drawn texts, heard with a vocabulary and without: which of its terms are written, when and how sure, as it was."""

from __future__ import annotations

import random
from collections.abc import Iterable

from pipeline.records import Word
from pipeline.transcription.engine import SegmentResult
from pipeline.transcription.gates.support import sounds_like_a_term, supported
from pipeline.transcription.gates.trust import plain_words
from tests.pinned import assert_pinned

TERMS = [plain_words(term) for term in ("Harper Valley", "SmartBox", "Visa", "pay my bill", "Valley", "Harper", "")]
BOTH = (
    ("Harper Valley", "Howard Valley"), ("Harper Valley,", "harbor valet"), ("Harper Valley", "Harper Valley"),
    ("SmartBox", "smart box"), ("SmartBox.", "a smart fox"), ("smart box", "SmartBox"), ("Visa", "vista"),
    ("Visa", "this"), ("Visa", ""), ("", "visor"), ("pay my bill", "may my pill"), ("pay my bill", "they buy bills"),
    ("Valley", "valet"), ("Harper", "harbor"), ("Visa", "Visa"),
    ("Valley", "Valley"), ("so it", "so it"), ("is", "this"), ("-", "-"), ("no", ""), ("", "no"),
)  # fmt: skip
"""What is heard with the vocabulary, and without."""


def timed(draw: random.Random, text: str, language: str) -> SegmentResult:
    """With the times of words or without, some of them of unknown confidence."""
    words: list[Word] = []
    end_s = 0.0
    for word in text.split():
        start_s = end_s + draw.choice((0.0, 0.25))
        end_s = start_s + draw.choice((0.25, 0.5, 1.0))
        words.append(Word(text=word, start_s=start_s, end_s=end_s, confidence=draw.choice((None, 0.2, 0.5, 0.9))))
    return SegmentResult(
        key="drawn",
        text=text,
        language=language,
        words=draw.choice((tuple(words), tuple(words), None)),
        flags=draw.choice(((), ("decode_truncated",))),
        error=draw.choice((None,) * 19 + ("no memory",)),
    )


def lines_of_terms() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(400):
        heard = draw.choices(BOTH, k=draw.randrange(1, 8))
        given = timed(draw, " ".join(filter(None, (said for said, _ in heard))), "en")
        bare = timed(draw, " ".join(filter(None, (said for _, said in heard))), "fr")
        written = supported(given, bare, TERMS)
        words = " ".join(
            f"{word.text}:{word.start_s:.3f}-{word.end_s:.3f}:{word.confidence}" for word in written.words or ()
        )
        failed = f" ({given.error})" if given.error else ""
        yield f"{given.text!r}{failed} or {bare.text!r}, like a term {sounds_like_a_term(bare.text, TERMS)}"
        yield f"  {written.text!r} {written.language} {' '.join(written.flags)}; {words}".rstrip()


def test_terms() -> None:
    assert_pinned("terms.txt", "\n".join(lines_of_terms()))
