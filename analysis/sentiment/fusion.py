"""Late fusion of two probability vectors: fixed weights or a learned second stage (stacking, Wolpert 1992)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from analysis.feature_versions import FUSION_FEATURE_VERSION
from analysis.records import Sentiment, SentimentLabel
from analysis.sentiment.models_by_role import ModelsByRole
from analysis.sentiment.probabilities import to_sentiments
from analysis.sentiment.whole_call import mean_sentiment
from pipeline.config.areas.sentiment import FusionMethod, FusionSettings, SentimentSettings
from pipeline.records import Role

FUSION_FEATURES = tuple(
    f"{side}_log_{name}" for side in ("words", "voice") for name in ("negative", "neutral", "positive")
)
_LEAST = 1e-3
"""Probabilities are kept this far from 0 before their logarithm is taken."""


def fusion_features(words: Sentiment, voice: Sentiment) -> list[float]:
    """Natural logarithms of the six probabilities, in the order of FUSION_FEATURES."""
    return [math.log(max(share, _LEAST)) for share in (*words.shares, *voice.shares)]


class Fusion(Protocol):
    """Joins what the words and what the voice of one chunk say."""

    name: str

    def identity(self) -> str: ...

    def join(self, words: Sentiment, voice: Sentiment, role: Role) -> Sentiment: ...

    def close(self) -> None: ...


class FixedFusion:
    """The words; where the voice stands out, the weighted mean of both vectors (linear opinion pool).

    A voice as usual says nothing against words that are clear: it would only draw every complaint made calmly towards
    neutral.
    """

    name = "fixed"

    def __init__(self, settings: FusionSettings) -> None:
        self._agent, self._client = settings.agent_text_weight, settings.client_text_weight

    def identity(self) -> str:
        return f"fixed, where the voice stands out, agent={self._agent} client={self._client}"

    def join(self, words: Sentiment, voice: Sentiment, role: Role) -> Sentiment:
        weight = self._agent if role is Role.AGENT else self._client
        if voice.label is SentimentLabel.NEUTRAL and weight > 0:
            return words
        return mean_sentiment([(words, weight), (voice, 1.0 - weight)])

    def close(self) -> None:
        return None


class LearnedFusion:
    """Models written by `run.py train fusion`, per role. Raises ModelUnavailable or UntrustedModel at once."""

    name = "learned"

    def __init__(self, settings: FusionSettings, trusted: Sequence[str] = ()) -> None:
        self._models = ModelsByRole(
            Path(settings.agent_model or "").expanduser(),
            Path(settings.client_model or "").expanduser(),
            kind="fusion",
            features=FUSION_FEATURES,
            feature_version=FUSION_FEATURE_VERSION,
            trusted=tuple(trusted),
        )

    def identity(self) -> str:
        return "learned " + " ".join(self._models.identities)

    def join(self, words: Sentiment, voice: Sentiment, role: Role) -> Sentiment:
        loaded = self._models.model_of(role)
        rows = loaded.pipeline.predict_proba([fusion_features(words, voice)])
        return to_sentiments(rows, loaded.pipeline.classes_, loaded.card)[0]

    def close(self) -> None:
        self._models.close()


def build_fusion(settings: SentimentSettings) -> Fusion | None:
    """None when fusion is off."""
    if settings.fusion.method is FusionMethod.OFF:
        return None
    if settings.fusion.method is FusionMethod.FIXED:
        return FixedFusion(settings.fusion)
    return LearnedFusion(settings.fusion, settings.trusted_models)
