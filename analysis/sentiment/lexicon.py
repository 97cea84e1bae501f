"""VADER (Hutto & Gilbert 2014) through its library, its compound score mapped to three probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from analysis.records import Sentiment
from analysis.sentiment.lines import SpokenLine
from pipeline.config.areas.sentiment import LexiconSettings


@lru_cache(maxsize=1)
def vader() -> Any:
    """The analyser; it reads its lexicon when it is made."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def compound_to_sentiment(compound: float, threshold: float, steepness: float) -> Sentiment:
    """Softmax over (-k c, k t, k c) for negative, neutral, positive.

    Smooth in c, and its argmax is exactly the published rule: positive above t, negative below -t, neutral between.
    VADER's own pos/neu/neg values are shares of words, not class probabilities, and are not used.

    Args:
        compound: VADER's normalised sum of valences, -1..1.
        threshold: t, 0..1.
        steepness: k > 0.
    """
    logits = (-steepness * compound, steepness * threshold, steepness * compound)
    top = max(logits)
    weights = [math.exp(logit - top) for logit in logits]
    total = sum(weights)
    return Sentiment(*(weight / total for weight in weights))


class LexiconSentiment:
    """English only, no download."""

    name = "lexicon"
    model = "vader"
    languages: frozenset[str] | None = frozenset({"en"})
    note: str | None = None

    def __init__(self, settings: LexiconSettings) -> None:
        self._settings = settings

    def identity(self) -> str:
        from importlib.metadata import version

        return f"vader {version('vaderSentiment')} t={self._settings.threshold} k={self._settings.steepness}"

    def predict(self, lines: Sequence[SpokenLine]) -> list[Sentiment]:
        chosen, analyser = self._settings, vader()
        return [
            compound_to_sentiment(analyser.polarity_scores(line.text)["compound"], chosen.threshold, chosen.steepness)
            for line in lines
        ]

    def close(self) -> None:
        """Holds nothing."""
