"""A talk cut into stretches for the sentence encoder: each word is read among those said around it, over turns.

Only turns in which something may be personal are read: those with a dictated stretch, a capital within a sentence, a
known name, short replies to a question, and what follows a question for something that is answered in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.redaction.around import OWN_WORDS, asks_something
from analysis.redaction.name_lists import is_known_name
from analysis.redaction.questions import Asked, Phrase
from analysis.redaction.runs import Run
from analysis.redaction.talk import Talk
from analysis.redaction.turns import Turn

_PIECE = re.compile(r"\d+|[^\W\d_]+(?:'[^\W\d_]+)*|[^\w\s]")
_LEFT, _READ, _RIGHT = 36, 60, 14
"""Words and marks of a stretch: said before, read, said after."""
_MOST_LETTERS = 40
"""Of a piece that are shown to the encoder."""
_UNKNOWN_SIDE = "speaker"
_IN_WORDS = (Asked.NAME, Asked.STREET, Asked.PASSWORD, Asked.EMAIL, Asked.SPELLING)
_TURNS_AFTER = 2
_MOST_OF_REPLY = 10


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words and marks in order, with the sides that say them."""

    pieces: tuple[str, ...]
    first: int
    """Place of the first piece that is read; those before are only said before."""
    starts: tuple[int, ...]
    """Where in the text the pieces from `first` on begin; -1 for the name of a side. Pieces behind are said after."""


def stretches_of(talk: Talk) -> Iterator[Stretch]:
    """Linear in the length of the talk: each piece is read once, and is in at most three stretches."""
    pieces: list[str] = []
    starts: list[int] = []
    wanted: list[bool] = []
    begins: list[int] = []
    for turn, may_be in zip(talk.turns, _turns_to_read(talk), strict=True):
        said = [(match.start(), match[0][:_MOST_LETTERS]) for match in _PIECE.finditer(talk.text, turn.start, turn.end)]
        begins.append(len(pieces))
        pieces += [turn.role or _UNKNOWN_SIDE, ":", *(piece for _, piece in said)]
        starts += [-1, -1, *(start for start, _ in said)]
        wanted += [may_be] * (len(said) + 2)
    index = 0
    while index < len(pieces):
        if not wanted[index]:
            index += 1
            continue
        end = min(index + _READ, len(pieces))
        left = max(0, index - _LEFT)
        yield Stretch(tuple(pieces[left : end + _RIGHT]), index - left, tuple(starts[index:end]))
        index = end


def _turns_to_read(talk: Talk) -> list[bool]:
    language = talk.main_language
    found, left, asked = [], 0, False
    for turn, phrases, runs in zip(talk.turns, talk.phrases(language), talk.runs(language), strict=True):
        replies = asked and len(turn.words) <= _MOST_OF_REPLY
        holds = _may_hold(turn, phrases, runs) or ((left > 0 or replies) and _says_something(turn))
        found.append(turn.spoken and holds)
        left = _TURNS_AFTER if any(phrase.asked in _IN_WORDS for phrase in phrases) else left - 1
        asked = asks_something(talk.text, turn)
    return found


def _says_something(turn: Turn) -> bool:
    return any(word.text not in OWN_WORDS for word in turn.words)


def _may_hold(turn: Turn, phrases: Sequence[Phrase], runs: Sequence[Run]) -> bool:
    if runs or any(phrase.asked in _IN_WORDS for phrase in phrases):
        return True
    if turn.has_capitals and any(word.capital and len(word.text) > 1 for word in turn.words[1:]):
        return True
    return any(is_known_name(word) for word in turn.words)
