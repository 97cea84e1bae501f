"""What a text model sees of a line: its words, cues of service talk we wrote ourselves, the encoder's vectors.

Prediction needs this and no scikit-learn; `analysis.training.text_features` has the same as its transformers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from analysis.encoder.vectors import Vectors
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
        marked.append(f"{word}_NOT" if left > 0 and not _END.fullmatch(word) else word)
        left = 0 if _END.fullmatch(word) else left - 1
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


def cues(text: str) -> list[float]:
    """One value for each of CUE_NAMES."""
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


class Heard(Protocol):
    """A line word by word, as in `analysis.sentiment.encoded_lines.HeardLine`."""

    @property
    def text(self) -> str: ...

    @property
    def agent(self) -> bool: ...

    @property
    def words(self) -> Vectors: ...

    @property
    def before(self) -> Vectors: ...


def line_context(lines: Sequence[Heard], cue_scale: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shape (lines, 3 x dimensions + 2 + cues): the line as a whole, once more where an agent says it, the line before
    and whether there was one, whose line it is, its cues."""
    sums = np.asarray([line.words.sum(axis=0, dtype=float) for line in lines])
    whole = VECTOR_SCALE * sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    before = VECTOR_SCALE * np.asarray([line.before for line in lines], dtype=float)
    answers = before.any(axis=1, keepdims=True).astype(float)
    agent = np.asarray([[2.0 * line.agent] for line in lines])
    table = np.asarray([cues(line.text) for line in lines], dtype=float) / cue_scale
    return np.concatenate([whole, whole * agent, before, answers, agent, table], axis=1)


class Encoded(Protocol):
    """A line with its vectors, as in `analysis.sentiment.encoded_lines.EncodedLine`."""

    @property
    def text(self) -> str: ...

    @property
    def agent(self) -> bool: ...

    @property
    def vector(self) -> Vectors: ...

    @property
    def exchange(self) -> Vectors: ...


def line_vectors(lines: Sequence[Encoded]) -> npt.NDArray[np.float64]:
    """Shape (lines, 4 x dimensions + 1): one vector for both roles, one for the line's own role, one of the exchange.

    With the doubled features a linear model learns what holds for everybody, and where agents and clients differ
    (Daumé 2007, "Frustratingly easy domain adaptation").
    """
    vectors = VECTOR_SCALE * np.asarray([line.vector for line in lines], dtype=float)
    exchanges = VECTOR_SCALE * np.asarray([line.exchange for line in lines], dtype=float)
    agent = np.asarray([[float(line.agent)] for line in lines])
    return np.concatenate([vectors, vectors * agent, vectors * (1 - agent), agent, exchanges], axis=1)
