"""How alike what is asked and the glossary's labels are, by the sentence encoder.

Each label has several texts: its name, each keyword, its definition and examples, and name and keywords in one. A line
is compared with the joined text, with the mean of the others, with the nearest of them, and with the two nearest
examples; so are all lines together.
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

Likenesses = npt.NDArray[np.float64]
"""Shape (labels, 4): joined text, mean of the texts, nearest text; the two nearest examples, 0 where they are
no nearer than everyday talk."""

_WHOLE_WORDS = 30
"""So many words of what is asked are compared as one text: the opening."""
_LEAST_WEIGHT_OF_WHOLE = 0.5
LEAST_NARROWNESS = 3.0
"""Of a few labels of different fields, which say little about what else is called about."""
_NEAREST_PART = 0.2
"""Of the labels of other topics, those that tell how narrow a catalogue is."""
_WEIGHT_COST = 2.0
"""Standard deviations that a line without any weight is behind."""


class LabelLikeness:
    """Labels of one catalogue in one language, encoded on first use."""

    def __init__(self, labels: Sequence[Label], encoder: SentenceEncoder) -> None:
        self.labels, self._encoder = tuple(labels), encoder

    def of(self, lines: Sequence[AskedLine]) -> Likenesses:
        """Of all that is asked: the mean of its best line and of the opening as a whole."""
        late = np.asarray([1 - line.weight for line in lines])
        best = (self.by_line([line.text for line in lines]) - _WEIGHT_COST * late[:, None, None]).max(axis=0)
        whole = self.by_line([_opening(lines)])[0]
        return np.asarray((best + whole) / 2)

    def by_line(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Shape (texts, labels, 4)."""
        mean, deviation = self._everyday
        alike = (self._cosines(self._encoder.encode(list(texts))) - mean) / deviation
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
    """The first lines, as long as they are short together; one line at least."""
    taken: list[str] = []
    count = 0
    for line in lines:
        count += len(line.text.split())
        if taken and (count > _WHOLE_WORDS or line.weight < _LEAST_WEIGHT_OF_WHOLE):
            continue
        taken.append(line.text)
    return " ".join(taken)
