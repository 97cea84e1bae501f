"""Late fusion of two probability vectors: fixed weights or a learned second stage (Wolpert 1992, stacking)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from analysis.records import Sentiment
from analysis.sentiment.whole_call import mean_sentiment
from pipeline.config.sentiment import FusionMethod, FusionSettings, SentimentSettings
from pipeline.records import Role


class Fusion(Protocol):
    """Joins what the words and what the voice of one chunk say."""

    name: str

    def identity(self) -> str: ...

    def join(self, words: Sentiment, voice: Sentiment, role: Role) -> Sentiment: ...

    def close(self) -> None: ...


class FixedFusion:
    """Weighted mean of the two vectors (linear opinion pool)."""

    name = "fixed"

    def __init__(self, settings: FusionSettings) -> None:
        self._agent, self._client = settings.agent_text_weight, settings.client_text_weight

    def identity(self) -> str:
        return f"fixed agent={self._agent} client={self._client}"

    def join(self, words: Sentiment, voice: Sentiment, role: Role) -> Sentiment:
        weight = self._agent if role is Role.AGENT else self._client
        return mean_sentiment([(words, weight), (voice, 1.0 - weight)])

    def close(self) -> None:
        return None


def _fixed(settings: SentimentSettings) -> Fusion:
    return FixedFusion(settings.fusion)


FUSIONS: dict[FusionMethod, Callable[[SentimentSettings], Fusion]] = {FusionMethod.FIXED: _fixed}


def build_fusion(settings: SentimentSettings) -> Fusion | None:
    """None when fusion is off."""
    if settings.fusion.method is FusionMethod.OFF:
        return None
    return FUSIONS[settings.fusion.method](settings)
