"""Two neighbouring segments that share some audio: words that both heard are kept once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from pipeline.records import SegmentText, Word

_WORDS_PER_S = 5.0
"""Upper bound of speech rate used to size the window in which a repeat is looked for."""
_SPARE_WORDS = 2


def join_overlap(before: SegmentText, after: SegmentText) -> tuple[SegmentText, SegmentText]:
    """Both segments, cut so that the words of the shared `after.overlap_s` seconds appear in one of them only.

    The last words of `before` and the first of `after` are aligned (longest common run, compared without case and
    punctuation); the cut is at its end. Where nothing matches but there are word times, the cut is in the middle of the
    overlap, provided that each side heard a word in its own half. Else both texts stay whole: a repeated word is better
    than a lost one.
    """
    first, second = before.text.split(), after.text.split()
    window = math.ceil(after.overlap_s * _WORDS_PER_S) + _SPARE_WORDS
    tail, head = first[-window:], second[:window]
    match = SequenceMatcher(None, _keys(tail), _keys(head), autojunk=False).find_longest_match()
    if match.size and _plausible(match.a, match.b, match.size, len(tail)):
        return (
            _keep(before, 0, len(first) - len(tail) + match.a + match.size),
            _keep(after, match.b + match.size, len(second)),
        )
    if before.words is not None and after.words is not None:
        return _cut_in_the_middle(before, after)
    return before, after


def _plausible(a: int, b: int, size: int, tail: int) -> bool:
    """A repeat is at the seam: at most a clipped word or two lie between it and the two edges."""
    dropped = (tail - a - size) + b
    return dropped <= _SPARE_WORDS or dropped <= size


def _keep(segment: SegmentText, begin: int, end: int) -> SegmentText:
    """The words from `begin` to `end`; times are kept when there is one per word, else dropped."""
    words = segment.text.split()
    if begin == 0 and end == len(words):
        return segment
    times: tuple[Word, ...] | None = None
    if segment.words is not None and len(segment.words) == len(words):
        times = segment.words[begin:end]
    return replace(segment, text=" ".join(words[begin:end]), words=times)


def _cut_in_the_middle(before: SegmentText, after: SegmentText) -> tuple[SegmentText, SegmentText]:
    """`before` has the first half of the shared seconds and `after` the second, where each has a word of its own."""
    assert before.words is not None
    assert after.words is not None
    if len(before.words) != len(before.text.split()) or len(after.words) != len(after.text.split()):
        return before, after
    shared_s = (after.start_s, after.start_s + after.overlap_s)
    cut_s = sum(shared_s) / 2
    kept_before, dropped_after = len(before.words), 0
    if any(shared_s[0] <= _middle(word) < cut_s for word in before.words):
        dropped_after = sum(1 for word in after.words if _middle(word) < cut_s)
    if any(cut_s <= _middle(word) <= shared_s[1] for word in after.words):
        kept_before = sum(1 for word in before.words if _middle(word) < cut_s)
    return _keep(before, 0, kept_before), _keep(after, dropped_after, len(after.words))


def _middle(word: Word) -> float:
    return (word.start_s + word.end_s) / 2


def _keys(words: Sequence[str]) -> list[str]:
    return ["".join(c for c in word.casefold() if c.isalnum()) or word for word in words]
