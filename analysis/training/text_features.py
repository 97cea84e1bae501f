"""What a text model sees besides the words: a published lexicon's scores and cues of service talk we wrote ourselves.

Stored models name this module: it stays where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin  # type: ignore[import-untyped,unused-ignore]

from analysis.sentiment.lexicon import vader

_WORD = re.compile(r"[a-z0']+|[!?.,;:()]+|[^\sa-z0']")
_NEGATION = re.compile(r"(?:not|no|never|cannot|cant|dont|without|nobody|nothing|neither|nor|\w+n't)")
_END = re.compile(r"[.!?,;:]+|but|however|though")
NEGATION_REACH = 4
"""Words after a negation that are marked, within the clause; Das & Chen 2001, Pang et al. 2002."""


def plain_words(text: str) -> str:
    """Lower case; addresses, names of accounts and digits reduced to their kind."""
    text = re.sub(r"https?://\S+|www\.\S+", " xurl ", text)
    text = re.sub(r"(?<!\w)@\w+", " xuser ", text)
    return re.sub(r"\d", "0", text.replace("’", "'")).lower()


def mark_negation(text: str) -> str:
    """Words under a negation get `_NOT`, so that "not good" and "good" are different words."""
    marked: list[str] = []
    left = 0
    for word in _WORD.findall(plain_words(text)):
        if _END.fullmatch(word):
            left = 0
            marked.append(word)
            continue
        marked.append(f"{word}_NOT" if left > 0 else word)
        left -= 1
        if _NEGATION.fullmatch(word):
            left = NEGATION_REACH
    return " ".join(marked)


def _read_cues() -> dict[str, re.Pattern[str]]:
    """The patterns of `cues_en.txt` by name; a cue's value is how often one of them is found, at most three."""
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "cues_en.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            found[line[1:-1]] = []
        elif line.strip() and not line.startswith("#"):
            found[next(reversed(found))].append(line)
    return {name: re.compile(f"(?<![a-z])(?:{'|'.join(lines)})(?![a-z])") for name, lines in found.items()}


_PATTERNS = _read_cues()

CUE_NAMES: tuple[str, ...] = (
    *("vader_compound", "vader_up", "vader_down", "vader_positive_share", "vader_negative_share", "vader_last"),
    *(f"cue_{name}" for name in _PATTERNS),
    *("exclamations", "capitals_share", "words_log", "compound_times_question", "positive_with_trouble"),
)
_TROUBLE = ("waiting", "late", "unanswered", "broken", "lost", "money", "cancelled", "repeat", "outrage", "demand")


class SentimentCues(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to a table of cues, shape (texts, len(CUE_NAMES)). English."""

    def fit(self, texts: Sequence[str], labels: Any = None) -> SentimentCues:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = len(CUE_NAMES)
        return self

    def transform(self, texts: Iterable[str]) -> npt.NDArray[np.float64]:
        return np.asarray([_cues(text) for text in texts], dtype=float).reshape(-1, len(CUE_NAMES))

    def get_feature_names_out(self, _inputs: Any = None) -> npt.NDArray[np.object_]:
        return np.asarray(CUE_NAMES, dtype=object)


def _cues(text: str) -> list[float]:
    analyser = vader()
    scores = analyser.polarity_scores(text)
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()] or [text]
    last = analyser.polarity_scores(sentences[-1])["compound"] if len(sentences) > 1 else scores["compound"]
    plain = plain_words(text)
    counts = {name: float(min(3, len(pattern.findall(plain)))) for name, pattern in _PATTERNS.items()}
    letters = [character for character in text if character.isalpha()]
    compound = scores["compound"]
    trouble = sum(counts[name] > 0 for name in _TROUBLE)
    return [
        compound,
        max(compound, 0.0),
        min(compound, 0.0),
        scores["pos"],
        scores["neg"],
        last,
        *counts.values(),
        float(min(3, text.count("!"))),
        sum(character.isupper() for character in letters) / max(len(letters), 1),
        float(np.log1p(len(plain.split()))),
        compound * (counts["question"] > 0),
        max(compound, 0.0) * min(trouble, 3),
    ]


VECTOR_SCALE = 4.0
"""Unit vectors of hundreds of dimensions have small entries: with this their differences count like those of words."""


class LineWords(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encoded lines to their texts."""

    def fit(self, lines: Sequence[Any], labels: Any = None) -> LineWords:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = 1
        return self

    def transform(self, lines: Iterable[Any]) -> list[str]:
        return [line.text for line in lines]


class LineVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encoded lines to their vectors: one for both roles, one for the line's own role, one of the exchange.

    With the doubled features a linear model learns what holds for everybody, and where agents and clients differ
    (Daumé 2007, "Frustratingly easy domain adaptation").
    """

    def fit(self, lines: Sequence[Any], labels: Any = None) -> LineVectors:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = 4 * len(lines[0].vector) + 1
        return self

    def transform(self, lines: Iterable[Any]) -> npt.NDArray[np.float64]:
        rows = list(lines)
        vectors = VECTOR_SCALE * np.asarray([row.vector for row in rows], dtype=float)
        exchanges = VECTOR_SCALE * np.asarray([row.exchange for row in rows], dtype=float)
        agent = np.asarray([[float(row.agent)] for row in rows])
        return np.concatenate([vectors, vectors * agent, vectors * (1 - agent), agent, exchanges], axis=1)


class TextVectors(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encoded texts to their vectors."""

    def fit(self, lines: Sequence[Any], labels: Any = None) -> TextVectors:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = len(lines[0].vector)
        return self

    def transform(self, lines: Iterable[Any]) -> npt.NDArray[np.float64]:
        return VECTOR_SCALE * np.asarray([line.vector for line in lines], dtype=float)
