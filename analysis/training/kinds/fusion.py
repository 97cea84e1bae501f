"""`train fusion`: a second stage on the probabilities of words and voice (stacking, Wolpert 1992)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.encoder.choice import open_encoder
from analysis.feature_versions import FUSION_FEATURE_VERSION
from analysis.records import Sentiment
from analysis.sentiment.fusion import FUSION_FEATURES, build_fusion, fusion_features
from analysis.training.judging.crossvalidation import Choice, PlainMaterial
from analysis.training.judging.engine_answers import judge_both
from analysis.training.judging.held_out import Probabilities, shares_of
from analysis.training.kinds.regression import regression, tempered_recipe
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem
from analysis.training.task import Kind, Say, Task, TrainingRequest
from pipeline.config.areas.sentiment import FusionMethod, SentimentSettings
from pipeline.errors import ConfigurationError
from pipeline.plurals import counted
from pipeline.records import Role

FUSION_LIMITS = (
    "Serves only with the two models whose answers it was trained on; train it again when one of them changes.",
)
Pair = tuple[Sentiment, Sentiment]
"""What the words and what the voice of one item say."""


def _stacking(choice: Choice, _seed: int) -> Any:
    from sklearn.preprocessing import StandardScaler

    return regression(StandardScaler(), C=choice["C"], most_steps=1000, weight=None)


FUSION_RECIPE = tempered_recipe(
    name="stacking: log-probabilities of both sides into a logistic regression",
    choices=tuple({"C": c} for c in (0.01, 0.1, 1.0)),
    build=_stacking,
    inner_folds=4,
)


def _prepare(request: TrainingRequest, _model: str, say: Say) -> Task:
    """From labelled items with the answers of both models, which neither was trained on."""
    settings = _fusing(request.settings.sentiment)
    sides = judge_both(
        request.labels,
        settings,
        request.read_audio,
        encoder=open_encoder(request.settings.encoder),
        words_held_out=request.words_held_out,
        voice_held_out=request.voice_held_out,
    )
    for note in sides.notes:
        say(note)
    indices = sides.complete()
    one_sided = len(sides.labels.items) - len(indices)
    if one_sided:
        say(f"{counted(one_sided, 'item')} left out: only one side has a value")
    if not indices:
        raise ConfigurationError(f"{sides.labels.path}: no item has a value from words and from voice")
    items = tuple(sides.labels.items[index] for index in indices)
    answers = [(sides.words[index], sides.voice[index]) for index in indices]
    pairs = [(words, voice) for words, voice in answers if words is not None and voice is not None]
    learned = settings.fusion.client_model if settings.fusion.method is FusionMethod.LEARNED else None
    return Task(
        kind="fusion",
        title=f"Fusion from {sides.labels.path.name}",
        classes=SENTIMENTS,
        features=FUSION_FEATURES,
        feature_version=FUSION_FEATURE_VERSION,
        material=PlainMaterial(
            np.asarray([fusion_features(words, voice) for words, voice in pairs]),
            np.asarray([SENTIMENTS.index(item.label) for item in items]),
            [item.group for item in items],
        ),
        recipe=FUSION_RECIPE,
        labels=request.trainable(replace(sides.labels, items=items)),
        config_keys=("sentiment.fusion.agent_model", "sentiment.fusion.client_model"),
        limits=FUSION_LIMITS,
        data={"one_side_only": one_sided},
        in_use=(f"the {settings.fusion.method.value} weights in use", lambda: _joined(settings, pairs, items)),
        in_use_folder=None if learned is None else Path(learned).expanduser(),
    )


def _fusing(settings: SentimentSettings) -> SentimentSettings:
    """The settings, with fixed weights where fusion is off, so that there is something to compare with."""
    if settings.fusion.method is not FusionMethod.OFF:
        return settings
    return settings.model_copy(update={"fusion": settings.fusion.model_copy(update={"method": FusionMethod.FIXED})})


def _joined(settings: SentimentSettings, pairs: Sequence[Pair], items: Sequence[LabelledItem]) -> Probabilities:
    fusion = build_fusion(settings)
    assert fusion is not None
    return shares_of(
        [fusion.join(words, voice, Role(item.role)) for (words, voice), item in zip(pairs, items, strict=True)]
    )


FUSION = Kind(_prepare, ("stacking",))
