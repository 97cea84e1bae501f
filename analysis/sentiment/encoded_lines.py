"""Lines with their vectors: what text models on the sentence encoder read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.encoder.vectors import SentenceEncoder, Vectors
from analysis.records import Sentiment
from analysis.sentiment.lines import SpokenLine
from analysis.text import split_sentences
from pipeline.records import Role

SHORT_WORDS = 4
"""A line of at most so many words is also read together with what it answers: "Wonderful." means little alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedLine:
    text: str
    agent: bool
    vector: Vectors
    """Shape (dimensions,)."""
    exchange: Vectors
    """Of the line before and a short line together; zeros where it is not short or answers nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardLine:
    """A line word by word."""

    text: str
    agent: bool
    words: Vectors
    """Shape (words, dimensions): each as the encoder reads it among the others."""
    before: Vectors
    """Shape (dimensions,): what the other side said just before; zeros where nothing was."""


_HANDLE = re.compile(r"(?<!\w)@\w+")


def names_account(text: str) -> bool:
    """Whether it is a written message to an account (`@acme`)."""
    return _HANDLE.search(text) is not None


def encode_lines(lines: Sequence[SpokenLine], encoder: SentenceEncoder) -> list[EncodedLine]:
    lines = _without_accounts(lines)
    exchanges = [
        f"{line.before} {line.text}" if line.before and len(line.text.split()) <= SHORT_WORDS else None
        for line in lines
    ]
    vectors = encoder.encode([line.text for line in lines])
    joined = iter(encoder.encode([text for text in exchanges if text is not None]))
    return [
        EncodedLine(
            text=line.text,
            agent=line.role is Role.AGENT,
            vector=vector,
            exchange=np.zeros_like(vector) if exchange is None else next(joined),
        )
        for line, vector, exchange in zip(lines, vectors, exchanges, strict=True)
    ]


def hear_lines(lines: Sequence[SpokenLine], encoder: SentenceEncoder) -> list[HeardLine]:
    answered = iter(encoder.encode([line.before for line in lines if line.before]))
    heard = []
    for line in _without_accounts(lines):
        words = encoder.encode_words(line.text.split() or [line.text])
        # Beyond what the encoder takes in at once its rows are zeros.
        words = words[words.any(axis=1)]
        before = next(answered) if line.before else np.zeros(words.shape[1], dtype=np.float32)
        heard.append(HeardLine(text=line.text, agent=line.role is Role.AGENT, words=words, before=before))
    return heard


def _without_accounts(lines: Sequence[SpokenLine]) -> list[SpokenLine]:
    """Written messages name accounts (`@acme`): the encoder takes them for words that mean something."""
    return [replace(line, text=" ".join(_HANDLE.sub(" ", line.text).split()) or line.text) for line in lines]


@dataclass(frozen=True, slots=True)
class Parts:
    """Lines, and the sentences of those that have several."""

    pieces: tuple[SpokenLine, ...]
    """Every line as a whole, in order, then the sentences."""
    of_line: tuple[int, ...]
    """The line of each piece."""
    lines: int

    def join(self, answers: Sequence[Sentiment]) -> list[Sentiment]:
        """One sentiment per line from one per piece.

        A vector of a long turn is the mean of all it says, and one angry sentence is lost in it. So sentences count
        too: each by its words, twice over, times how little neutral it is; the whole line by its words.
        """
        totals = np.zeros((self.lines, 3))
        for index, (piece, line, answer) in enumerate(zip(self.pieces, self.of_line, answers, strict=True)):
            weight = float(len(piece.text.split()) or 1)
            totals[line] += np.asarray(answer.shares) * (weight if index < self.lines else 2 * weight * _mood(answer))
        shares = totals / totals.sum(axis=1, keepdims=True)
        return [Sentiment(negative, max(0.0, 1 - negative - positive), positive) for negative, _, positive in shares]


def _mood(sentiment: Sentiment) -> float:
    return 1.0 - sentiment.neutral


def parts_of(lines: Sequence[SpokenLine]) -> Parts:
    pieces, of_line = list(lines), list(range(len(lines)))
    for number, line in enumerate(lines):
        sentences = split_sentences(line.text)
        for sentence in sentences if len(sentences) > 1 else ():
            if len(sentence.split()) > 1:
                pieces.append(replace(line, text=sentence, before=None))
                of_line.append(number)
    return Parts(tuple(pieces), tuple(of_line), len(lines))
