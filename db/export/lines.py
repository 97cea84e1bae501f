"""Breaking a segment's text into lines and subtitles, each with its times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from db.export.document import Segment
from pipeline.records import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A displayed word: as in the segment's text, with punctuation."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None
    estimated: bool = False
    """True when the engine gave no time for it and it was spread over the segment by length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Words that fit on one line."""

    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        return " ".join(token.text for token in self.tokens)

    @property
    def start_s(self) -> float:
        return self.tokens[0].start_s

    @property
    def end_s(self) -> float:
        return self.tokens[-1].end_s


def tokens_of(segment: Segment, longest: int) -> list[Token]:
    """The displayed words with their times.

    Times are the recogniser's where its words match the text one to one, else estimated by share of characters.
    A word longer than `longest` characters (scripts without spaces) is cut.
    """
    texts = segment.text.split()
    if segment.words is not None and len(segment.words) == len(texts):
        tokens = list(map(_timed, texts, segment.words))
    else:
        tokens = list(_spread(texts, segment.start_s, segment.end_s))
    return [piece for token in tokens for piece in _cut(token, longest)]


def lines_of(tokens: Sequence[Token], width: int, label: str = "") -> list[Line]:
    """Greedy line breaking at `width` characters; the label takes room in the first line if a word fits beside it."""
    lines: list[Line] = []
    for token in tokens:
        grown = Line(tokens=(*lines[-1].tokens, token)) if lines else None
        beside = label if len(lines) == 1 and len(label) + len(lines[0].tokens[0].text) <= width else ""
        if grown is not None and len(beside) + len(grown.text) <= width:
            lines[-1] = grown
        else:
            lines.append(Line(tokens=(token,)))
    return lines


def shown(lines: Sequence[Line], width: int, label: str = "") -> tuple[str, ...]:
    """The text of lines made with the same `width` and `label`, the label in front or on a line of its own."""
    first, *others = (line.text for line in lines)
    if len(label) + len(first) > width:
        return (label.rstrip(), first, *others)
    return (label + first, *others)


def cues_of(segment: Segment, *, width: int, max_lines: int, longest_s: float, label: str = "") -> Iterator[list[Line]]:
    """Subtitles of a segment: at most `max_lines` lines and `longest_s` seconds each.

    Where `max_lines` is 1, a label that has to stand alone makes it two.
    """
    pending: list[Token] = []
    for token in tokens_of(segment, width):
        grown = [*pending, token]
        too_long = token.end_s - grown[0].start_s > longest_s
        label_lines = int(len(label) + len(grown[0].text) > width)
        if pending and (too_long or len(lines_of(grown, width, label)) > max(1, max_lines - label_lines)):
            yield lines_of(pending, width, label)
            pending = [token]
        else:
            pending = grown
    if pending:
        yield lines_of(pending, width, label)


def _timed(text: str, word: Word) -> Token:
    return Token(text=text, start_s=word.start_s, end_s=max(word.start_s, word.end_s), confidence=word.confidence)


def _spread(texts: Sequence[str], start_s: float, end_s: float) -> Iterator[Token]:
    total = sum(len(text) for text in texts)
    done = 0
    for text in texts:
        begin = start_s + (end_s - start_s) * done / total
        done += len(text)
        yield Token(text=text, start_s=begin, end_s=start_s + (end_s - start_s) * done / total, estimated=True)


def _cut(token: Token, longest: int) -> Iterator[Token]:
    """The pieces of a word that is too long fill a line each, all but the last."""
    if len(token.text) <= longest:
        yield token
        return
    pieces = [token.text[i : i + longest] for i in range(0, len(token.text), longest)]
    yield from _spread(pieces, token.start_s, token.end_s)
