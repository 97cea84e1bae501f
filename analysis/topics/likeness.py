"""How alike what is asked and the glossary's labels are, by the sentence encoder.

Each label has several texts: its name, each keyword, its definition and examples, and name and keywords in one. A line
is compared with the joined text, with the mean of the others, with the nearest of them, and with the two nearest
examples; so are the lines as one text, and the opening of the dialogue: callers who avoid every word of a label
are understood from the answers that they get.
The cosines are measured from what everyday sentences reach that ask for nothing, in their standard deviations: so
catalogues whose cosines lie in different ranges come to one scale.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.encoder.everyday import CONE, EVERYDAY, everyday_likeness
from analysis.encoder.vectors import SentenceEncoder, Vectors
from analysis.glossary.catalogue import Label
from analysis.topics.asked import AskedLine
from analysis.topics.elsewhere import elsewhere_ahead, reason_vectors
from analysis.topics.likelihood import LEAST_NARROWNESS

Likenesses = npt.NDArray[np.float64]
"""Shape (labels, 4): joined text, mean of the texts, nearest text; the two nearest examples, 0 where they are
no nearer than everyday talk."""

_WHOLE_WORDS = 80
"""So many words of what is asked are compared as one text: the opening."""
_NEAREST_PART = 0.2
"""Of the labels of other topics, those that tell how narrow a catalogue is."""
_WEIGHT_COST = 2.0
"""Standard deviations that a line without any weight is behind."""


class LabelLikeness:
    """Labels of one catalogue in one language, encoded on first use."""

    def __init__(self, labels: Sequence[Label], encoder: SentenceEncoder) -> None:
        self.labels, self._encoder = tuple(labels), encoder

    def of(self, lines: Sequence[AskedLine], dialogue: str = "") -> Likenesses:
        """Of all that is asked: its best line most, its opening and that of the dialogue.

        Args:
            dialogue: the opening of what both sides say; where it is empty the opening of the lines stands for it.
        """
        return _together(self.by_line(_texts(lines, dialogue)), lines)

    def elsewhere(self, lines: Sequence[AskedLine], dialogue: str = "") -> float:
        """By how much something that no label is about is ahead (`analysis.topics.elsewhere`); 0 for not at all."""
        reasons, near_labels = self._reasons
        rows = self._encoder.encode(_texts(lines, dialogue))
        best = float(_together(self._from_everyday(rows @ self._encoded.joined.T), lines).max())
        return elsewhere_ahead(_together(self._from_everyday(rows @ reasons.T), lines), near_labels, best)

    def by_line(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Shape (texts, labels, 4)."""
        alike = self._from_everyday(self._cosines(self._encoder.encode(list(texts))))
        alike[:, :, 3] = np.maximum(alike[:, :, 3], 0.0)
        return np.asarray(alike)

    @cached_property
    def names_alone(self) -> float:
        """The share of its labels that have nothing but a name."""
        return sum(label.is_bare for label in self.labels) / len(self.labels)

    @cached_property
    def narrowness(self) -> float:
        """How alike labels of different topics are: the mean likeness of each label's text and the nearest fifth of the
        labels of other topics.

        In a narrow catalogue a question about something else of the same field is as near to its labels as they are to
        each other. A fifth, not the nearest one: in a broad catalogue of many labels each has some near neighbour.
        """
        between = self.by_line([_joined(label) for label in self.labels])[:, :, :3].mean(axis=2)
        topics = np.asarray([label.topic for label in self.labels])
        nearest = []
        for row, own in zip(between, topics, strict=True):
            others = np.sort(row[topics != own])[::-1]
            nearest += list(others[: math.ceil(_NEAREST_PART * len(others))])
        return max(float(np.mean(nearest)), LEAST_NARROWNESS) if nearest else LEAST_NARROWNESS

    @cached_property
    def in_a_cone(self) -> bool:
        """Whether all vectors of this encoder point about one way."""
        return everyday_likeness(self._encoder) > CONE

    def _cosines(self, rows: Vectors) -> npt.NDArray[np.float64]:
        encoded = self._encoded
        cosines = rows @ encoded.singles.T
        nearest = np.maximum.reduceat(cosines, [first for first, _ in encoded.owned], axis=1)
        # One example alone may be near for a word that has nothing to do with it.
        told = np.pad(cosines, ((0, 0), (0, 1)), constant_values=-1.0)[:, encoded.examples]
        example = np.sort(told, axis=2)[:, :, -2:].mean(axis=2)
        alike = [rows @ encoded.joined.T, rows @ encoded.centres.T, nearest, example]
        return np.stack(alike, axis=2).astype(np.float64)

    @cached_property
    def _encoded(self) -> _Encoded:
        texts = [_texts_of(label) for label in self.labels]
        ends = np.cumsum([len(label_texts) for label_texts in texts])
        owned = tuple((int(end) - len(label_texts), int(end)) for label_texts, end in zip(texts, ends, strict=True))
        singles = self._encoder.encode_fixed([text for label_texts in texts for text in label_texts])
        centres = np.stack([singles[first:last].mean(axis=0) for first, last in owned])
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
        joined = self._encoder.encode_fixed([_joined(label) for label in self.labels])
        rows = [
            [*range(first + len(_described(label)), last)]
            for label, (first, last) in zip(self.labels, owned, strict=True)
        ]
        examples = np.full((len(rows), max(2, *map(len, rows))), len(singles), dtype=np.intp)
        for label_rows, own in zip(examples, rows, strict=True):
            twice = own * 2 if len(own) == 1 else own
            label_rows[: len(twice)] = twice
        return _Encoded(joined, centres, singles, owned, examples)

    @cached_property
    def _reasons(self) -> tuple[Vectors, npt.NDArray[np.float64]]:
        """Of each everyday reason its vector, and how near it is to the nearest label."""
        vectors = reason_vectors(self._encoder)
        return vectors, self._from_everyday(self._cosines(vectors)[:, :, :2].max(axis=(1, 2)))

    def _from_everyday(self, cosines: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """In standard deviations from what everyday sentences reach."""
        mean, deviation = self._everyday
        return np.asarray((cosines - mean) / deviation, dtype=np.float64)

    @cached_property
    def _everyday(self) -> tuple[float, float]:
        """Mean and standard deviation of what everyday sentences reach."""
        cosines = self._cosines(self._encoder.encode_fixed(EVERYDAY))[:, :, :3]
        return float(cosines.mean()), max(float(cosines.std()), 1e-6)


@dataclass(frozen=True, slots=True)
class _Encoded:
    joined: Vectors
    centres: Vectors
    """With `joined`: shape (labels, dimensions)."""
    singles: Vectors
    """Shape (texts of all labels, dimensions)."""
    owned: tuple[tuple[int, int], ...]
    """Rows of `singles` that are each label's: first, and the one after the last."""
    examples: npt.NDArray[np.intp]
    """Shape (labels, two or more): rows of its examples, an only one twice, then the number of rows for none."""


def _texts(lines: Sequence[AskedLine], dialogue: str) -> list[str]:
    """Each line, the opening of all of them, and that of the dialogue."""
    opening = _opening(lines)
    return [*(line.text for line in lines), opening, dialogue or opening]


def _together(alike: npt.NDArray[np.float64], lines: Sequence[AskedLine]) -> npt.NDArray[np.float64]:
    """Of `_texts`, one a row: half is the best line, a quarter each the opening and the dialogue."""
    late = np.asarray([1 - line.weight for line in lines]).reshape(-1, *[1] * (alike.ndim - 1))
    best = (alike[: len(lines)] - _WEIGHT_COST * late).max(axis=0)
    return np.asarray((2 * best + alike[-2] + alike[-1]) / 4)


def words_of(name: str) -> str:
    """A name as it is said: `card_arrival?` is "card arrival"."""
    return " ".join(re.sub(r"[\W_]+", " ", name).split()) or name


def _texts_of(label: Label) -> list[str]:
    return list(dict.fromkeys([*_described(label), *label.examples]))


def _described(label: Label) -> list[str]:
    """Its texts but for examples."""
    name = words_of(label.subtopic or label.topic)
    return list(dict.fromkeys([name, *label.keywords, *filter(None, [label.definition])]))


def _joined(label: Label) -> str:
    name = " ".join(words_of(part) for part in (label.topic, label.subtopic) if part)
    told = [", ".join(label.keywords), label.definition]
    return f"{name}: {'. '.join(part for part in told if part)}".rstrip(": ")


def _opening(lines: Sequence[AskedLine]) -> str:
    return " ".join(" ".join(line.text for line in lines).split()[:_WHOLE_WORDS])
