"""A segment without the words it only overheard."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from pipeline.overheard.said import Said, times_at
from pipeline.records import SegmentText, SpeechSpan

OVERHEARD = "overheard"
"""Flag of a segment that lost words: another channel has them."""
SIDE_UNCERTAIN = "side_uncertain"
"""Flag of a segment with words that both channels have alike, so that nobody can tell whose they are."""

_PADDING_S = 0.25


def without_words(
    segment: SegmentText, words: Sequence[Said], places: Collection[int], speech: Sequence[SpeechSpan] | None
) -> tuple[SegmentText, tuple[SpeechSpan, ...] | None]:
    """The segment without the words at these places, and its speech without theirs; it begins and ends with the rest.

    Args:
        words: all words of the segment, in order.
        speech: of the segment; None where it is not known.
    """
    flags = tuple(dict.fromkeys((*segment.flags, OVERHEARD)))
    kept = [word for word in words if word.place not in places]
    if not kept:
        return replace(segment, text="", words=None, confidence=None, flags=flags), ()
    texts = segment.text.split()
    times = times_at(segment, [word.place for word in kept])
    left = _less(speech or [(segment.start_s, segment.end_s)], _stretches(words, places))
    left = left or [(kept[0].start_s, kept[-1].end_s)]
    return (
        replace(
            segment,
            text=" ".join(texts[word.place] for word in kept),
            words=times,
            flags=flags,
            start_s=max(segment.start_s, left[0][0] - _PADDING_S),
            end_s=min(segment.end_s, left[-1][1] + _PADDING_S),
            overlap_s=0.0,
        ),
        None if speech is None else tuple(left),
    )


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
            runs.append((float("-inf") if before is None else before.end_s, word.end_s))
        following = words[index + 1] if index + 1 < len(words) else None
        if following is None:
            runs[-1] = (runs[-1][0], float("inf"))
        elif following.place not in places:
            runs[-1] = (runs[-1][0], following.start_s)
    return runs


def _less(spans: Sequence[SpeechSpan], holes: Sequence[SpeechSpan]) -> list[SpeechSpan]:
    left = list(spans)
    for hole in holes:
        left = [
            (start, end)
            for span in left
            for start, end in ((span[0], min(span[1], hole[0])), (max(span[0], hole[1]), span[1]))
            if start < end
        ]
    return left
