"""What a text engine is given of each line: its words, who said it, and what the other side had just said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from pipeline.records import Role, TranscriptChunk

ANSWERED_WITHIN_S = 15.0
"""A line of the other side that ended longer ago than this is not what is answered."""
BREATH_S = 1.5
"""A pause of at most so long inside a sentence parts no two utterances."""
MOST_BREATH_WORDS = 60
BACKCHANNEL_WORDS = 2
"""What the other side says in so few words inside a sentence does not end it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenLine:
    """One chunk of a transcript, or one labelled text."""

    text: str
    role: Role = Role.CLIENT
    before: str | None = None
    """What the other side said just before; None where nothing was said or it is not known."""


_SENTENCE_ENDS = re.compile(r"[.?!…][\"'”’)]*\s*$")
_MARK = re.compile(r"\[[^\]]{0,40}\]")


def without_marks(text: str) -> str:
    """What is said, without `[noise]`."""
    return " ".join(_MARK.sub(" ", text).split())


def spoken_lines(texts: Iterable[str], role: Role = Role.CLIENT) -> list[SpokenLine]:
    """Texts that stand alone."""
    return [SpokenLine(text=text, role=role) for text in texts]


def lines_of(chunks: Sequence[TranscriptChunk]) -> list[SpokenLine]:
    """One line per chunk, in the order of `chunks`, each with the latest line of another role before it.

    A recogniser cuts sentences at pauses, and `and died down` means little alone: the chunks of one sentence all get
    the words of the whole one.
    """
    order = sorted(range(len(chunks)), key=lambda index: (chunks[index].start_s, chunks[index].end_s))
    breaths = _breaths(chunks, order)
    lines: dict[int, SpokenLine] = {}
    latest: dict[Role, TranscriptChunk] = {}
    for index in order:
        chunk = chunks[index]
        others = [other for role, other in latest.items() if role is not chunk.role]
        answered = max(others, key=lambda other: other.start_s, default=None)
        near = answered is not None and chunk.start_s - answered.end_s <= ANSWERED_WITHIN_S
        before = without_marks(answered.text) if answered is not None and near else None
        lines[index] = SpokenLine(text=breaths[index], role=chunk.role, before=before)
        if without_marks(chunk.text):
            latest[chunk.role] = chunk
    return [lines[index] for index in range(len(chunks))]


def _breaths(chunks: Sequence[TranscriptChunk], order: Sequence[int]) -> dict[int, str]:
    """By place, the words of the sentence that the chunk is part of; its own where the text has no sentence ends."""
    punctuated = {chunk.role for chunk in chunks if _ends_sentence(chunk.text)}
    members: dict[int, list[int]] = {}
    latest: dict[Role, list[int]] = {}
    for index in order:
        chunk = chunks[index]
        breath = latest.get(chunk.role)
        if breath is None or not _goes_on(chunks, breath, chunk, punctuated):
            breath = []
        breath.append(index)
        members[index] = latest[chunk.role] = breath
        if len(without_marks(chunk.text).split()) > BACKCHANNEL_WORDS:
            for role in latest.keys() - {chunk.role}:
                latest[role] = []
    return {
        index: " ".join(without_marks(chunks[member].text) for member in breath) for index, breath in members.items()
    }


def _goes_on(
    chunks: Sequence[TranscriptChunk], breath: Sequence[int], chunk: TranscriptChunk, punctuated: Set[Role]
) -> bool:
    """Whether the chunk is in the middle of the sentence of these chunks of its role."""
    if not breath or chunk.role not in punctuated:
        return False
    last = chunks[breath[-1]]
    words = sum(len(chunks[member].text.split()) for member in breath) + len(chunk.text.split())
    near = chunk.start_s - last.end_s <= BREATH_S and last.channel == chunk.channel
    return near and words <= MOST_BREATH_WORDS and bool(last.text.strip()) and not _ends_sentence(last.text)


def _ends_sentence(text: str) -> bool:
    return _SENTENCE_ENDS.search(text) is not None
