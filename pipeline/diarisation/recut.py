"""Segments of one channel, cut again where the speaker changes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.diarisation.diariser import SpeakerTurn
from pipeline.records import SpeechSegment, SpeechSpan


def tidy(turns: Sequence[SpeakerTurn], min_turn_s: float) -> tuple[SpeakerTurn, ...]:
    """Turns in order, without those too short, neighbours of one speaker joined, speakers numbered as they come."""
    joined: list[SpeakerTurn] = []
    for turn in sorted(turn for turn in turns if turn.end_s - turn.start_s >= min_turn_s):
        if joined and joined[-1].speaker == turn.speaker:
            joined[-1] = replace(joined[-1], end_s=max(joined[-1].end_s, turn.end_s))
        else:
            joined.append(turn)
    numbers: dict[int, int] = {}
    return tuple(replace(turn, speaker=numbers.setdefault(turn.speaker, len(numbers))) for turn in joined)


def speaker_changes(turns: Sequence[SpeakerTurn]) -> list[tuple[float, int]]:
    """(from when, speaker), in order, for tidy turns: a change lies in the middle of the pause between two turns."""
    changes = [(float("-inf"), turns[0].speaker)] if turns else []
    for before, after in itertools.pairwise(turns):
        changes.append(((before.end_s + after.start_s) / 2, after.speaker))
    return changes


def by_speaker(
    segments: Sequence[SpeechSegment], turns: Sequence[SpeakerTurn], settings: DiarisationSettings
) -> tuple[tuple[SpeechSegment, ...], ...]:
    """The segments of each speaker, cut where the speaker changes; `channel` is the speaker from 0.

    Every moment of the segments is in exactly one of the pieces, except what two segments share (`overlap_s`): of that,
    a piece keeps what its own speaker says. Speech that no turn covers goes to the speaker nearest in time.
    Empty when there are no turns.
    """
    tidied = tidy(turns, settings.min_turn_ms / 1000)
    changes = speaker_changes(tidied)
    pieces: list[list[SpeechSegment]] = [[] for _ in {speaker for _, speaker in changes}]
    if not pieces:
        return ()
    for segment in segments:
        for start_s, end_s, speaker, overlap_s in _cut(segment, changes, settings.min_piece_ms / 1000):
            earlier = pieces[speaker]
            repeats = bool(earlier) and earlier[-1].end_s > start_s
            earlier.append(
                SpeechSegment(
                    channel=speaker,
                    ordinal=len(earlier),
                    start_s=start_s,
                    end_s=end_s,
                    overlap_s=overlap_s if repeats else 0.0,
                    speech=_speech_within(segment, start_s, end_s),
                )
            )
    return tuple(tuple(of_speaker) for of_speaker in pieces)


def _speech_within(segment: SpeechSegment, start_s: float, end_s: float) -> tuple[SpeechSpan, ...] | None:
    if segment.speech is None:
        return None
    parts = ((max(first, start_s), min(last, end_s)) for first, last in segment.speech)
    return tuple((first, last) for first, last in parts if first < last)


def _cut(
    segment: SpeechSegment, changes: Sequence[tuple[float, int]], min_piece_s: float
) -> list[tuple[float, float, int, float]]:
    """(start, end, speaker, overlap with the segment before) of each piece of a segment."""
    inside = [
        (moment, speaker)
        for moment, speaker in changes
        if segment.start_s + min_piece_s <= moment <= segment.end_s - min_piece_s
    ]
    start_s = segment.start_s
    # Near an edge, take the speaker of the main part, not of a sliver.
    probe_s = min(start_s + min_piece_s, (start_s + segment.end_s) / 2)
    began_s, speaker = [change for change in changes if change[0] <= probe_s][-1]
    repeated_to_s = segment.start_s + segment.overlap_s
    if began_s <= repeated_to_s:
        # The segment before holds all that precedes the change, and may be cut there: pieces stay in order.
        start_s = max(start_s, began_s)
    pieces: list[tuple[float, float, int, float]] = []
    for moment, after in [*inside, (segment.end_s, speaker)]:
        if moment > repeated_to_s or moment >= segment.end_s:
            pieces.append((start_s, moment, speaker, max(0.0, repeated_to_s - start_s)))
        # A piece that ends within the overlap is in the segment before, cut at the same place.
        start_s, speaker = moment, after
    return pieces
