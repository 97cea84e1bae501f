"""Drawn words, copies and pauses, many of them exactly at a limit: what is decided on them is what was decided."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from pipeline.overheard import pauses, shared_words, spans
from pipeline.overheard.compare import _Channel
from pipeline.overheard.said import Said, said_in, times_at
from pipeline.overheard.shared_words import Owner, _Match, _matches, runs_of, whose
from pipeline.overheard.taken_out import OfOther, without
from pipeline.records import SegmentText, Word
from tests.pinned import assert_pinned

LIKENESSES = (0.14, 0.15, 0.19, 0.2, 0.29, 0.3, 0.7)
DELAYS_S = (-0.6, -0.03, -0.02, 0.0, 0.029, 0.03, 0.1, 0.25, 0.5, 1.0)
LOUDER_DB = (-6.0, -4.5, -3.0, -2.9, 0.0, 1.0, 2.9, 3.0, 4.4, 4.5, 9.0)


class DrawnCopy:
    """Has the numbers it is given; those of its parts are drawn for each part."""

    def __init__(self, draw: random.Random) -> None:
        self.likeness, self.delay_s = draw.choice(LIKENESSES), draw.choice(DELAYS_S)
        self.louder_db = draw.choice((None, *LOUDER_DB))
        self._parts: dict[object, float | None] = {}
        self._draw = draw
        self._likely = draw.random() < 0.5

    def within(self, start_s: float, end_s: float) -> float:
        key = round(start_s, 3), round(end_s, 3)
        drawn = self._draw.choice(LIKENESSES[1:] if self._likely else LIKENESSES[:3])
        return float(self._parts.setdefault(key, drawn) or 0.0)

    def louder_within(self, start_s: float, end_s: float, share: float = 0.5) -> float | None:
        key = round(start_s, 3), round(end_s, 3), share
        return self._parts.setdefault(key, self._draw.choice((None, *LOUDER_DB)))


def said(draw: random.Random, count: int, first_s: float, place: int = 0, letters: str = "abcdef") -> list[Said]:
    words: list[Said] = []
    at_s = first_s
    for number in range(count):
        end_s = at_s + draw.choice((0.1, 0.25, 0.4))
        words.append(Said(draw.choice(letters), at_s, end_s, (place, 0), number))
        at_s = end_s + draw.choice((0.0, 0.05, 0.25, 0.5, 0.6))
    return words


def shown(words: Iterable[Said]) -> str:
    return " ".join(f"{word.place}{word.key}" for word in words) or "none"


def lines_of_runs() -> Iterable[str]:
    draw = random.Random(1)
    for _ in range(260):
        timed = draw.random() < 0.7
        words = said(draw, draw.randrange(7), draw.choice((0.0, 0.3)))
        nearby = [word for word in words if draw.random() < 0.7] if draw.random() < 0.7 else []
        nearby = nearby or said(draw, draw.randrange(6), draw.choice((-1.0, 0.0, 2.0)), 1, "cdefgh")
        asked: list[str] = []
        copies: dict[object, Any] = {}
        kind = draw.random()

        def hear(start_s: float, end_s: float, copies: Any = copies, asked: Any = asked, kind: float = kind) -> Any:
            asked.append(f"{start_s:.2f}-{end_s:.2f}")
            key = asked[-1] if kind < 0.4 else "the same everywhere"
            if key not in copies:
                copies[key] = None if draw.random() < 0.05 else DrawnCopy(draw)
            return copies[key]

        found = runs_of(words, nearby, hear, timed=timed)
        told = ", ".join(f"{run.owner.value} {shown(run.words)} {run.louder_db}" for run in found)
        yield f"{shown(words)} | {shown(nearby)} | {timed} {' '.join(asked)}: {told or 'nothing'}"


def lines_of_owners() -> Iterable[str]:
    copy: Any = DrawnCopy(random.Random(0))
    for delay_s in DELAYS_S:
        told = []
        for copy.louder_db in LOUDER_DB:
            copy.delay_s = delay_s
            owners = (whose(copy, duration_s) for duration_s in (0.06, 0.5, 2.0))
            told.append("".join("-" if owner is None else owner.value[:2] for owner in owners))
        yield f"{delay_s}: {' '.join(told)}"
    assert [owner.value for owner in Owner] == ["other", "own", "unclear"]


def lines_of_matches() -> Iterable[str]:
    draw = random.Random(2)
    for _ in range(60):
        words, other = said(draw, 9, 0.0, letters="abcdxyz"), said(draw, 9, 0.5, 1, "abcduvw")
        told = [
            f"{match.first}-{match.last} {sorted(match.shared)} {[round(delay, 3) for delay in match.delays_s]}"
            for match in _matches(words, other)
        ]
        yield f"{shown(words)} | {shown(other)}: {'; '.join(told)}"
    for copied in ("1111111", "0111110", "1101011", "1110111", "0011111", "1111100", "0001000"):
        marks = [mark == "1" for mark in copied]
        grown = [
            shared_words._grown(marks, _Match(first, last, (), frozenset()), taken, timed=timed)
            for first, last in ((2, 4), (3, 4), (2, 5))
            for taken in (0, 1)
            for timed in (True, False)
        ]
        yield f"{copied}: {grown}"


def drawn_segment(draw: random.Random, count: int, timed: bool) -> SegmentText:
    words = said(draw, count, 0.3)
    return SegmentText(
        channel=0, ordinal=3, start_s=0.0, end_s=(words[-1].end_s if words else 1.0) + 0.3,
        text=" ".join(word.key for word in words), language="en", confidence=0.5, overlap_s=0.1, flags=("retried",),
        words=tuple(Word(text=w.key, start_s=w.start_s, end_s=w.end_s) for w in words) if timed else None,
    )  # fmt: skip


def span(draw: random.Random) -> tuple[float, float]:
    start_s = draw.choice((-0.5, 0.0, 0.3, 0.55, 1.0, 1.5))
    return start_s, start_s + draw.choice((0.25, 0.5, 0.8, 2.0))


def lines_of_parts() -> Iterable[str]:
    draw = random.Random(3)
    for _ in range(120):
        segment = drawn_segment(draw, draw.randrange(1, 7), draw.random() < 0.7)
        speech = None if draw.random() < 0.2 else sorted({span(draw) for _ in range(2)})
        words = said_in(segment, speech)
        places = {word.place for word in words if draw.random() < 0.35}
        other = OfOther(
            copies=tuple(span(draw) for _ in range(draw.randrange(2))),
            turns=tuple(span(draw) for _ in range(draw.randrange(3))),
        )
        told = [
            f"{part.text!r} {part.start_s:.3f}-{part.end_s:.3f} {part.overlap_s} {','.join(part.flags)} "
            f"{part.words and len(part.words)} {part.confidence} "
            f"{of_part and ' '.join(f'{start:.2f}-{end:.2f}' for start, end in of_part)}"
            for part, of_part in without(segment, words, places, other, speech)
        ]
        spread = " ".join(f"{word.start_s:.2f}-{word.end_s:.2f}" for word in words)
        yield f"{segment.text} at {spread} without {sorted(places)}, {other.copies} {other.turns}: {'; '.join(told)}"


def lines_of_pauses() -> Iterable[str]:
    draw = random.Random(4)
    for _ in range(60):
        words = said(draw, draw.randrange(1, 6), 0.0)
        others = [span(draw) for _ in range(2)]
        answered = [(round(start, 3), round(end, 3)) for start, end in pauses.answered_pauses(words, others)]
        runs = [(round(start, 3), round(end, 3)) for start, end in pauses.runs(words)]
        around = _Channel({(0, 0): words}).around(said(draw, 1, draw.choice((-1.35, -1.2, 1.2, 2.4))))
        left = [(round(start, 3), round(end, 3)) for start, end in spans.less(runs, others)]
        yield f"answered {answered}, runs {runs}, around {shown(around)}, left {left}"
    for first_s, last_s in ((0.25, 1.25), (0.2, 1.25), (0.25, 1.3), (0.5, 1.0)):
        pair = [Said("a", 0.0, 0.5, (0, 0), 0), Said("b", 1.0, 1.5, (0, 0), 1)]
        yield f"{first_s}-{last_s}: {pauses.answered_pauses(pair, [(first_s, last_s)])}"


def lines_of_spellings() -> Iterable[str]:
    for text, words in (
        ("15%. of", ("15", "%.", "of")), ("a b", ("a", "c")), ("a b", ("ab",)), ("don't - go", ("don't", "-", "go")),
        ("", ()), ("a", ()), ("Ab", (" A", "b ")),
    ):  # fmt: skip
        made = tuple(Word(text=word, start_s=float(n), end_s=n + 0.5) for n, word in enumerate(words))
        segment = SegmentText(channel=1, ordinal=2, start_s=0.0, end_s=4.0, text=text, language="en", words=made)
        told = [f"{word.key} {word.start_s:.3f}-{word.end_s:.3f} {word.segment}" for word in said_in(segment, None)]
        times = times_at(segment, range(len(text.split())))
        yield f"{text!r} {words}: {told} {times and [word.text for word in times]}"


@pytest.mark.parametrize(
    "lines",
    [lines_of_runs, lines_of_owners, lines_of_matches, lines_of_parts, lines_of_pauses, lines_of_spellings],
    ids=lambda lines: str(lines.__name__),
)
def test_what_was_decided(lines: Callable[[], Iterable[str]]) -> None:
    assert_pinned(f"{lines.__name__}.txt", "\n".join(lines()))
