"""Does a passage answer a question, or is it only the nearest there is? Slopes by `python -m bench.questions --fit`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from analysis.questions.asked import bare_words
from analysis.text import stems

LIKENESS, COVERED, INTERCEPT = 9.7, 1.35, -4.4
"""Slopes of a logistic regression over cosine and share of the question's words; with this intercept the questions of
the developed half that none of the calls answers stay unanswered."""
FROM = 0.5
"""Probability from which a passage counts as an answer."""
COVERED_ALONE = 0.6
"""Without vectors: share of the question's words, by weight, from which a passage counts."""


def answers(likeness: float | None, covered: float, asked_words: int) -> bool:
    """
    Args:
        likeness: cosine of question and passage, or of its nearest line; None where there are no vectors.
        covered: share of the question's words that are said in it, by weight, 0..1.
    """
    if likeness is None:
        return covered >= COVERED_ALONE and asked_words > 0
    return probability(likeness, covered) >= FROM


def probability(likeness: float, covered: float) -> float:
    return 1.0 / (1.0 + math.exp(-(LIKENESS * likeness + COVERED * covered + INTERCEPT)))


def coverage(weights: Mapping[str, float], texts: Sequence[str], language: str | None) -> float:
    """Share of the words, by weight, whose stems are said in these texts; 0 without words."""
    whole = sum(weights.values())
    if not whole:
        return 0.0
    said = {stem for text in texts for stem in stems(bare_words(text, language), language)}
    return sum(weight for word, weight in weights.items() if set(stems([word], language)) <= said) / whole
