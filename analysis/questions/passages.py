"""Calls cut into passages: a few neighbouring turns each, overlapping by some, so that an answer stands beside its
question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.calls import in_order
from analysis.text import without_marks, words
from pipeline.records import TranscriptChunk

TURNS, STEP = 3, 2
"""Turns in a passage, and by how many the next one begins later."""
MOST_CHARS = 480
"""Of a passage of several turns: an encoder reads 128 tokens."""
RECIPE = f"passages 1, {TURNS} turns, step {STEP}, {MOST_CHARS} characters"
"""Part of `indexed_transcripts.recipe`: another cut makes all passages anew."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage on its way into the index."""

    chunks: tuple[TranscriptChunk, ...]
    text: str
    """What is encoded: the words alone, without who says them."""

    @property
    def start_s(self) -> float:
        return self.chunks[0].start_s

    @property
    def until_s(self) -> float:
        """Where its last chunk begins."""
        return self.chunks[-1].start_s


def cut(chunks: Sequence[TranscriptChunk]) -> list[Cut]:
    """Passages of a call, in order of time. Chunks in doubt and without words are left out of what is encoded."""
    turns = _turns(chunks)
    found: list[Cut] = []
    index = 0
    while index < len(turns):
        taken = 1
        while taken < TURNS and index + taken < len(turns) and _chars(turns[index : index + taken + 1]) <= MOST_CHARS:
            taken += 1
        here = turns[index : index + taken]
        found.append(Cut(tuple(chunk for turn in here for chunk in turn), " ".join(_text(turn) for turn in here)))
        if index + taken >= len(turns):
            break
        index += max(1, min(STEP, taken - 1) if taken > 1 else 1)
    return found


def _turns(chunks: Sequence[TranscriptChunk]) -> list[list[TranscriptChunk]]:
    """Chunks of one side that follow one another, up to the length of a passage."""
    turns: list[list[TranscriptChunk]] = []
    for chunk in in_order(chunks):
        if chunk.doubts or not words(chunk.text):
            continue
        last = turns[-1] if turns else None
        same_side = last is not None and (last[-1].channel, last[-1].role) == (chunk.channel, chunk.role)
        if last is not None and same_side and _chars([[*last, chunk]]) <= MOST_CHARS:
            last.append(chunk)
        else:
            turns.append([chunk])
    return turns


def _text(turn: Sequence[TranscriptChunk]) -> str:
    return " ".join(" ".join(without_marks(chunk.text).split()) for chunk in turn)


def _chars(turns: Sequence[Sequence[TranscriptChunk]]) -> int:
    return sum(len(_text(turn)) + 1 for turn in turns)
