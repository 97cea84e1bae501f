"""Two lists of passages made one, and how sure it is that a passage answers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from analysis.questions.records import Hit

RRF_K = 60
"""Reciprocal rank fusion (Cormack, Clarke & Büttcher 2009): 1 / (60 + rank), summed over the lists."""

Key = tuple[str, int]


def fused(lists: Sequence[Sequence[Hit]], k: int = RRF_K) -> list[Key]:
    """Passages of all lists, best first; ties go to the list that comes first."""
    scores: defaultdict[Key, float] = defaultdict(float)
    for hits in lists:
        for rank, hit in enumerate(hits, start=1):
            scores[hit.key] += 1.0 / (k + rank)
    return sorted(scores, key=lambda key: -scores[key])


def word_weights(words: Sequence[str], frequencies: Mapping[str, float]) -> dict[str, float]:
    """Rare words weigh more: inverse document frequency, with words in a quarter of all chunks left out if others stay.

    A word that nobody said keeps its weight: without it a passage covers less of the question.
    """
    weights = {word: math.log1p(1.0 / max(frequencies.get(word, 0.0), 1e-5)) for word in words}
    kept = {word: weight for word, weight in weights.items() if frequencies.get(word, 0.0) < 0.25}
    return kept or weights
