"""A text as turns of a talk and their words: what questions and answers are looked for in."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from analysis.redaction.digit_runs import LINE_MARK

_TURN_START = re.compile(rf"{LINE_MARK}|\n", re.IGNORECASE)
_ROLE = re.compile(r"(agent|client|caller|customer|speaker \d+)[ \t]*:", re.IGNORECASE)
_CLIENT = {"caller": "client", "customer": "client"}
_WORD = re.compile(r"\[[^\[\]\n]{1,40}\]|<[a-z]{1,10}>|(?P<word>\d+|[^\W\d_]+(?:'[^\W\d_]+)*)")
"""Marks (`[noise]`, `<unk>`, `[CARD_1]`) are no words."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word or a stretch of digits."""

    text: str
    """As compared: lower case."""
    written: str
    start: int
    end: int

    @property
    def is_number(self) -> bool:
        return self.text.isdigit()

    @property
    def capital(self) -> bool:
        return self.written[:1].isupper()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says before the other does: a line `#3 client: …` of a prompt, or any other line."""

    role: str | None
    """`agent`, `client`, `speaker 2`; None where the line does not say."""
    spoken: bool
    """It is a line of a transcript; False for any other text, as instructions around one in a prompt."""
    start: int
    end: int
    words: tuple[Word, ...]
    has_capitals: bool
    """False for text without any case, as some recognisers write it: then a small letter tells nothing."""

    def word_from(self, position: int) -> int:
        """Place of the first word that begins at this position of the text or later; their number where none does."""
        return bisect_left(self.words, position, key=lambda word: word.start)


def plain_marks(text: str) -> str:
    """The text with typographic apostrophes made plain: as long as before, so places stay."""
    return text.replace("’", "'")


def turns_of(text: str) -> list[Turn]:
    """The lines of a text (`plain_marks`), in order."""
    found: list[Turn] = []
    role, spoken, start = None, False, 0
    for match in _TURN_START.finditer(text):
        found.append(_turn(text, role, spoken, start, match.start()))
        said = _ROLE.search(match.group(0))
        role = None if said is None else _CLIENT.get(said[1].casefold(), said[1].casefold())
        spoken, start = match.group(0) != "\n", match.end()
    found.append(_turn(text, role, spoken, start, len(text)))
    return [turn for turn in found if turn.words]


def _turn(text: str, role: str | None, spoken: bool, start: int, end: int) -> Turn:
    words = tuple(
        Word(match.group(0).casefold(), match.group(0), match.start(), match.end())
        for match in _WORD.finditer(text, start, end)
        if match["word"]
    )
    capitals = any(word.capital and len(word.text) > 1 for word in words)
    return Turn(role, spoken, start, end, words, capitals)
