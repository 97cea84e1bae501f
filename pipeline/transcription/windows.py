"""Windows: neighbouring segments of one channel, decoded together and split again by word times.

Whisper hears 30 s at a time whatever it is given, and one phrase helps it with the next. A window joins the segments
with at most `PAUSE_S` between them, as Radford et al. 2022 and faster-whisper's own filter do with a file. What is
heard there is the channel's sound, the beginning of the pause and its end: quiet first and last syllables are in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from pipeline.records import SAMPLE_RATE_HZ, SpeechSegment, Word
from pipeline.transcription.engine import Part, Samples, SegmentRequest, SegmentResult

PAUSE_S = 0.5
"""A longer pause between two segments is shortened to this much. As digital silence, 0.2, 0.5 and 1.0 s gave the same
words within one in 270 (three calls, Whisper tiny.en and base)."""

_ROUNDING_S = 0.01
"""More than a window gains where its times are rounded to samples."""
_REACH_S = 0.25
"""A word reaches into a part from here on: less is within the padding of its speech."""
_NOTHING: Samples = np.zeros(0, dtype=np.float32)


def plan_windows(segments: Sequence[SpeechSegment], window_s: float | None) -> list[tuple[SpeechSegment, ...]]:
    """Segments of one channel in their order, as many to a window as fit into `window_s` seconds.

    The plan depends on the segments alone, so it is the same in every run. A segment that repeats the end of the one
    before begins a window. None: every segment is a window of its own.
    """
    windows: list[list[SpeechSegment]] = []
    length_s = 0.0
    for segment in segments:
        before = windows[-1][-1] if windows else None
        longer_s = math.inf if before is None else _pause_s(before, segment) + segment.duration_s
        if window_s is None or segment.overlap_s > 0 or length_s + longer_s > window_s:
            windows.append([segment])
            length_s = segment.duration_s
        else:
            windows[-1].append(segment)
            length_s += longer_s
    return [tuple(window) for window in windows]


def joined_s(segments: Sequence[SpeechSegment]) -> float:
    """Seconds of a channel's segments in one window, however long."""
    return sum(segment.duration_s for segment in segments) + sum(
        _pause_s(before, after) for before, after in pairwise(segments)
    )


def margins(
    window: Sequence[SpeechSegment], segments: Sequence[SpeechSegment], longest_s: float
) -> list[tuple[float, float]]:
    """Seconds of the channel's sound before and after each segment of a window that are heard with it.

    Voice activity finds quiet first syllables late. At most half of a replaced pause, and half of the way to the
    neighbour; at both ends of the window only what `longest_s` leaves.

    Args:
        segments: all of the channel, in order; the window is a run of them.
    """
    first = segments.index(window[0])
    found: list[tuple[float, float]] = []
    for index, segment in enumerate(window, first):
        end_s = segments[index - 1].end_s if index else 0.0
        start_s = segments[index + 1].start_s if index + 1 < len(segments) else math.inf
        found.append((_half(segment.start_s - end_s), _half(start_s - segment.end_s)))
    spare_s = max(0.0, longest_s - joined_s(window) - _ROUNDING_S) / 2
    found[0] = min(found[0][0], spare_s), found[0][1]
    found[-1] = found[-1][0], min(found[-1][1], spare_s)
    return found


def _half(pause_s: float) -> float:
    return min(max(pause_s, 0.0), PAUSE_S) / 2


def join(
    requests: Sequence[SegmentRequest],
    pauses: Sequence[Samples | None],
    before: Samples = _NOTHING,
    after: Samples = _NOTHING,
) -> SegmentRequest:
    """One request for all, under the key of the first; a single one with nothing around is handed back as it is.

    Args:
        pauses: what is heard between each request and the next, fewer by one; None for `PAUSE_S` of silence.
        before: what is heard before the first.
        after: what is heard after the last.
    """
    if len(requests) == 1 and not before.size and not after.size:
        return requests[0]
    silence: Samples = np.zeros(round(PAUSE_S * SAMPLE_RATE_HZ), dtype=np.float32)
    pieces: list[Samples] = [before]
    parts: list[Part] = []
    length = before.size
    for request, pause in zip(requests, (*pauses, after), strict=True):
        parts.append(Part(key=request.key, first=length, last=length + request.samples.size, place=request.place))
        pieces += [request.samples, silence if pause is None else pause]
        length += pieces[-2].size + pieces[-1].size
    return replace(requests[0], samples=np.concatenate(pieces), parts=tuple(parts))


def part_requests(window: SegmentRequest) -> list[SegmentRequest]:
    """The requests of which a window was made."""
    return [
        replace(window, key=part.key, samples=window.samples[part.first : part.last], place=part.place, parts=())
        for part in window.parts
    ]


def split(result: SegmentResult, parts: Sequence[Part]) -> list[SegmentResult]:
    """A window's result as one result for each of its parts: every word goes to the part it lies in, or nearest to.

    Nobody says a word across the pause between two parts. One that a recogniser stretches across it goes to the part
    that would have no words without it.
    The confidence of a part is the geometric mean of its words'. A text without word times goes to the first part.
    """
    if result.words is None:
        texts = [result.text, *[""] * (len(parts) - 1)]
        return [replace(result, key=part.key, text=text) for part, text in zip(parts, texts, strict=True)]
    of_part: list[list[tuple[int, Word]]] = [[] for _ in parts]
    for index, (word, number) in enumerate(zip(result.words, _numbers(result.words, parts), strict=True)):
        of_part[number].append((index, word))
    begins = word_begins(result.text, result.words)
    return [_of_part(result, part, words, begins) for part, words in zip(parts, of_part, strict=True)]


def _numbers(words: Sequence[Word], parts: Sequence[Part]) -> list[int]:
    """For each word, the number of its part; never lower than that of the word before."""
    numbers: list[int] = []
    for word in words:
        nearest = _nearest((word.start_s + word.end_s) / 2 * SAMPLE_RATE_HZ, parts)
        numbers.append(max(nearest, numbers[-1] if numbers else 0))
    for index, word in enumerate(words):
        number = numbers[index]
        following = numbers[index + 1] if index + 1 < len(words) else len(parts)
        previous = numbers[index - 1] if index else -1
        if previous == number and number + 1 < following and _reaches(word, parts[number + 1]):
            numbers[index] = number + 1
        elif following == number and previous < number - 1 and _reaches(word, parts[number - 1]):
            numbers[index] = number - 1
    return numbers


def _reaches(word: Word, part: Part) -> bool:
    first_s, last_s = part.first / SAMPLE_RATE_HZ, part.last / SAMPLE_RATE_HZ
    return min(word.end_s, last_s) - max(word.start_s, first_s) >= _REACH_S


def _of_part(
    result: SegmentResult, part: Part, words: Sequence[tuple[int, Word]], begins: Sequence[int] | None
) -> SegmentResult:
    if not words:
        return replace(result, key=part.key, text="", words=(), confidence=None)
    placed = tuple(_within(word, part) for _, word in words)
    if begins is None:
        text = " ".join(word.text for word in placed)
    else:
        text = result.text[begins[words[0][0]] : begins[words[-1][0] + 1]].strip()
    return replace(result, key=part.key, text=text, words=placed, confidence=confidence_of(placed))


def confidence_of(words: Sequence[Word]) -> float | None:
    """The geometric mean of the words' confidences, 0..1; None where a word has none."""
    known = [word.confidence for word in words if word.confidence is not None]
    if not known or len(known) < len(words):
        return None
    return math.exp(sum(math.log(max(value, 1e-9)) for value in known) / len(known))


def word_begins(text: str, words: Sequence[Word]) -> list[int] | None:
    """Where each word begins in the text, and where the text ends; None where a word is not in it.

    The spaces between words are the engine's: some languages are written without.
    """
    begins: list[int] = []
    end = 0
    for word in words:
        begin = text.find(word.text, end)
        if begin < 0:
            return None
        begins.append(begin)
        end = begin + len(word.text)
    return [*begins, len(text)]


def _nearest(sample: float, parts: Sequence[Part]) -> int:
    return min(range(len(parts)), key=lambda i: max(parts[i].first - sample, sample - parts[i].last, 0.0))


def _within(word: Word, part: Part) -> Word:
    offset_s = part.first / SAMPLE_RATE_HZ
    duration_s = (part.last - part.first) / SAMPLE_RATE_HZ
    begin = min(max(0.0, word.start_s - offset_s), duration_s)
    return replace(word, start_s=begin, end_s=min(max(begin, word.end_s - offset_s), duration_s))


def _pause_s(before: SpeechSegment, after: SpeechSegment) -> float:
    return min(max(after.start_s - before.end_s, 0.0), PAUSE_S)
