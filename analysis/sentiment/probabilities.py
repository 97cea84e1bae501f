"""Rows of class probabilities to sentiments."""

from __future__ import annotations

from typing import Any

from analysis.model_folder import ModelCard
from analysis.records import Sentiment
from pipeline.errors import ModelUnavailable

ORDER = ("negative", "neutral", "positive")
DIGITS = 9


def to_sentiments(rows: Any, classes: Any, card: ModelCard | None) -> list[Sentiment]:
    """Shape (items, classes) to sentiments; a class the model never met has probability 0.

    Args:
        rows: probabilities.
        classes: the pipeline's `classes_`: numbers into the card's classes, or (trusted pickles) label names.
        card: None for a trusted pickle.
    """
    names = [card.classes[int(number)] if card else str(number).lower() for number in classes]
    unknown = sorted(set(names) - set(ORDER))
    if unknown:
        raise ModelUnavailable(
            f"the model answers {unknown}, not {', '.join(ORDER)}; map its labels and train it again"
        )
    column_of = {name: column for column, name in enumerate(names)}
    sentiments = []
    for row in rows:
        shares = [max(0.0, float(row[column_of[name]])) if name in column_of else 0.0 for name in ORDER]
        if not sum(shares) > 0:
            raise ModelUnavailable(f"the model answers {list(row)}, which are no probabilities; train it again")
        sentiments.append(settled(*shares))
    return sentiments


def settled(negative: float, neutral: float, positive: float) -> Sentiment:
    """Of weights that need not sum to 1. Cut to nine digits: the last bits depend on which items were computed
    together, the rows may not."""
    total = negative + neutral + positive
    negative, neutral = round(negative / total, DIGITS), round(neutral / total, DIGITS)
    return Sentiment(negative, neutral, max(0.0, round(1.0 - negative - neutral, DIGITS)))
