"""The channels of a call compared: each word stays with the side that said it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations
from typing import Protocol

from pipeline.audio.channels.likeness import Copy
from pipeline.overheard.pauses import answered_pauses, runs
from pipeline.overheard.said import Said, said_in, timed
from pipeline.overheard.shared_words import REACH_S, Owner, Run, runs_of
from pipeline.overheard.taken_out import SIDE_UNCERTAIN, OfOther, Part, without
from pipeline.overheard.wordless import wordless_copies
from pipeline.records import SegmentText, SpeechSpan

_NOTHING_OWN = 0.15
"""Share of a channel's words that are not shared, up to which it has none of its own."""

Place = tuple[int, int]
"""Channel and ordinal of a segment."""
Speech = Mapping[Place, tuple[SpeechSpan, ...] | None]


class Ears(Protocol):
    """Hears two channels."""

    def copy_of(self, source: int, own: int, start_s: float, end_s: float) -> Copy | None:
        """How far a stretch of the channel `own` is a copy of what the channel `source` has up to REACH_S around it."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """Segments in which every word stands once, numbered anew, and their speech."""

    segments: tuple[SegmentText, ...]
    speech: Speech


class _Channel:
    def __init__(self, by_segment: Mapping[Place, Sequence[Said]]) -> None:
        self.by_segment = by_segment
        self.words = sorted((w for words in by_segment.values() for w in words), key=lambda word: word.start_s)

    def around(self, words: Sequence[Said]) -> Sequence[Said]:
        """The words up to REACH_S around those of a segment of another channel, in order of time."""
        if not words:
            return ()
        first = bisect_left(self.words, words[0].start_s - REACH_S, key=lambda word: word.start_s)
        last = bisect_right(self.words, words[-1].end_s + REACH_S, key=lambda word: word.start_s)
        return self.words[first:last]


def tell_apart(segments: Sequence[SegmentText], speech: Speech, ears: Ears) -> Told:
    """Take the words that a channel only overheard out of its segments, which get the flag `overheard`, and the speech.

    A segment in which the other side had a turn becomes several, also where nothing was overheard: a pause in which the
    other answers may be shorter than those at which voice activity parts segments.

    Words that two channels have at the same time and about as loud are a mix of both sides on one channel, or a mono
    copy on both. Where one of them has nothing else, they are that side's. Where neither has, they stay on the channel
    that is understood better, with the flag `side_uncertain`.
    """
    said = {place_of(segment): said_in(segment, speech.get(place_of(segment))) for segment in segments}
    times = {place_of(segment): timed(segment) for segment in segments}
    channels = {
        channel: _Channel({segment: words for segment, words in said.items() if segment[0] == channel})
        for channel in {segment.channel for segment in segments}
    }
    shared: dict[tuple[int, int], list[Run]] = {}
    for source, of in permutations(sorted(channels), 2):
        shared[source, of] = [
            run
            for segment, words in sorted(channels[of].by_segment.items())
            for run in runs_of(
                words, channels[source].around(words), partial(ears.copy_of, source, of), timed=times[segment]
            )
        ]
    overheard, uncertain = _decided(channels, shared, segments)
    gone = {segment: {word for of, word in overheard if of == segment} for segment in said}
    own = {
        segment: [word for word in words if word.place not in gone[segment]]
        for segment, words in said.items()
        if times[segment]
    }
    others = _of_others(channels, own, speech, ears)
    parts = [
        (_uncertain(part, place_of(segment) in uncertain), of_part)
        for segment in segments
        for part, of_part in _parts(segment, said, gone, others, speech)
    ]
    return _numbered(parts)


def place_of(segment: SegmentText) -> Place:
    return segment.channel, segment.ordinal


def _decided(
    channels: Mapping[int, _Channel], shared: Mapping[tuple[int, int], Sequence[Run]], segments: Sequence[SegmentText]
) -> tuple[set[tuple[Place, int]], set[Place]]:
    """Words (segment and place) that were only overheard, and segments whose side cannot be told."""
    overheard: set[tuple[Place, int]] = set()
    uncertain: set[Place] = set()
    for (source, own), found in shared.items():
        for run in found:
            owner = run.owner
            if owner is Owner.UNCLEAR:
                owner = _of_alike(channels, shared, source, own)
                if owner is Owner.UNCLEAR:
                    owner = Owner.OTHER if _understood(segments, source, own) == source else Owner.OWN
                    if owner is Owner.OWN:
                        uncertain |= {word.segment for word in run.words}
            if owner is Owner.OTHER:
                overheard |= {(word.segment, word.place) for word in run.words}
    return overheard, uncertain


def _of_alike(
    channels: Mapping[int, _Channel],
    shared: Mapping[tuple[int, int], Sequence[Run]],
    source: int,
    own: int,
) -> Owner:
    """Whose words are that both channels have alike: the side's that says nothing else."""

    def has_own(channel: int, other: int) -> bool:
        alike = sum(len(run.words) for run in shared[other, channel])
        return 1.0 - alike / max(1, len(channels[channel].words)) > _NOTHING_OWN

    own_speaks, source_speaks = has_own(source, own), has_own(own, source)
    if own_speaks == source_speaks:
        return Owner.UNCLEAR
    return Owner.OWN if own_speaks else Owner.OTHER


def _understood(segments: Sequence[SegmentText], first: int, second: int) -> int:
    """The channel with the higher mean confidence; the lower one where they are equal, or the engine gives none."""

    def confidence(channel: int) -> float:
        known = [s.confidence for s in segments if s.channel == channel and s.confidence is not None]
        return sum(known) / len(known) if known else 0.0

    return min((first, second), key=lambda channel: (-confidence(channel), channel))


def _of_others(
    channels: Mapping[int, _Channel], own: Mapping[Place, Sequence[Said]], speech: Speech, ears: Ears
) -> dict[Place, OfOther]:
    """For each segment what in it is the other side's.

    Args:
        own: the words that are each segment's own, with times of the recogniser's.
    """
    said = {
        channel: runs(
            sorted((w for segment in own if segment[0] == channel for w in own[segment]), key=lambda w: w.start_s)
        )
        for channel in channels
    }
    found: dict[Place, OfOther] = {}
    for segment, words in own.items():
        copies: list[SpeechSpan] = []
        turns: list[SpeechSpan] = []
        for other in sorted(channels.keys() - {segment[0]}):
            hear = partial(ears.copy_of, other, segment[0])
            copies += wordless_copies(words, speech.get(segment) or (), channels[other].words, hear)
            turns += answered_pauses(words, said[other])
        found[segment] = OfOther(tuple(copies), tuple(turns))
    return found


def _parts(
    segment: SegmentText,
    said: Mapping[Place, Sequence[Said]],
    gone: Mapping[Place, Collection[int]],
    others: Mapping[Place, OfOther],
    speech: Speech,
) -> list[Part]:
    key = place_of(segment)
    other = others.get(key, OfOther())
    if not (gone[key] or other.copies or other.turns):
        return [(segment, speech.get(key))]
    return without(segment, said[key], gone[key], other, speech.get(key))


def _uncertain(segment: SegmentText, doubtful: bool) -> SegmentText:
    return replace(segment, flags=(*segment.flags, SIDE_UNCERTAIN)) if doubtful else segment


def _numbered(parts: Sequence[Part]) -> Told:
    """The parts with ordinals from 0 within each channel, in their order."""
    counts: Counter[int] = Counter()
    segments: list[SegmentText] = []
    speech: dict[Place, tuple[SpeechSpan, ...] | None] = {}
    for part, of_part in parts:
        segments.append(replace(part, ordinal=counts[part.channel]))
        counts[part.channel] += 1
        speech[place_of(segments[-1])] = of_part
    return Told(tuple(segments), speech)
