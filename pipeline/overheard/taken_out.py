"""A segment without what it only overheard."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pipeline.overheard.pauses import PAUSE_S
from pipeline.overheard.said import Said, times_at
from pipeline.overheard.spans import less
from pipeline.records import SegmentText, SpeechSpan

OVERHEARD = "overheard"
"""Flag of a segment that lost words: another channel has them."""
SIDE_UNCERTAIN = "side_uncertain"
"""Flag of a segment with words that both channels have alike, so that nobody can tell whose they are."""

_PADDING_S = 0.25


@dataclass(frozen=True, slots=True)
class OfOther:
    """Stretches within a segment that are the other side's."""

    copies: tuple[SpeechSpan, ...] = ()
    """Only its sound is heard in them."""
    turns: tuple[SpeechSpan, ...] = ()
    """Pauses of this side in which it speaks."""


Part = tuple[SegmentText, tuple[SpeechSpan, ...] | None]
"""A segment and its speech, None where that is not known."""


def without(
    segment: SegmentText,
    words: Sequence[Said],
    places: Collection[int],
    other: OfOther,
    speech: Sequence[SpeechSpan] | None,
) -> list[Part]:
    """The segment without the words at these places, and its speech without theirs and the other side's.

    It is cut where the other one spoke: in order of time, what each side says then stands where it was said.

    Args:
        words: all words of the segment, in order.
        speech: of the segment; None where it is not known.
    """
    if places:
        segment = replace(segment, flags=tuple(dict.fromkeys((*segment.flags, OVERHEARD))))
    kept = [word for word in words if word.place not in places]
    holes = [*_stretches(words, places), *other.copies]
    left = less(speech or [(segment.start_s, segment.end_s)], holes)
    if not kept:
        text = "" if places else segment.text
        times, confidence = (None, None) if places else (segment.words, segment.confidence)
        emptied = replace(segment, text=text, words=times, confidence=confidence)
        return [(emptied, None if speech is None and not places else tuple(left))]
    turns = _turns(kept, [*holes, *other.turns])
    between = [(turn[-1].end_s + following[0].start_s) / 2 for turn, following in pairwise(turns)]
    borders = [-math.inf, *between, math.inf]
    return [
        _part(segment, turn, less(left, [(-math.inf, after), (before, math.inf)]), known=speech is not None)
        for turn, (after, before) in zip(turns, pairwise(borders), strict=True)
    ]


def _turns(words: Sequence[Said], holes: Sequence[SpeechSpan]) -> list[list[Said]]:
    """The words, parted where a hole between two of them is as long as a turn."""
    turns = [[words[0]]]
    for before, after in pairwise(words):
        between = [(max(start, before.end_s), min(end, after.start_s)) for start, end in holes]
        if any(end - start >= PAUSE_S for start, end in between):
            turns.append([])
        turns[-1].append(after)
    return turns


def _part(segment: SegmentText, words: Sequence[Said], left: Sequence[SpeechSpan], *, known: bool) -> Part:
    """These words of the segment; it begins and ends with them and the speech that is left around them."""
    texts = segment.text.split()
    spoken = list(left) or [(words[0].start_s, words[-1].end_s)]
    part = replace(
        segment,
        text=" ".join(texts[word.place] for word in words),
        words=times_at(segment, [word.place for word in words]),
        start_s=max(segment.start_s, min(words[0].start_s, spoken[0][0] - _PADDING_S)),
        end_s=min(segment.end_s, max(words[-1].end_s, spoken[-1][1] + _PADDING_S)),
        overlap_s=0.0,
    )
    return part, tuple(spoken) if known else None


def _stretches(words: Sequence[Said], places: Collection[int]) -> list[SpeechSpan]:
    """From the first to the last word of each run of words taken out, pauses between them and at the edges included."""
    runs: list[SpeechSpan] = []
    for index, word in enumerate(words):
        if word.place not in places:
            continue
        before = words[index - 1] if index else None
        if before is not None and before.place in places:
            runs[-1] = (runs[-1][0], word.end_s)
        else:
            runs.append((-math.inf if before is None else before.end_s, word.end_s))
        following = words[index + 1] if index + 1 < len(words) else None
        if following is None:
            runs[-1] = (runs[-1][0], math.inf)
        elif following.place not in places:
            runs[-1] = (runs[-1][0], following.start_s)
    return runs
