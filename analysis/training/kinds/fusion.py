"""`train fusion`: a second stage on the probabilities of words and voice (stacking, Wolpert 1992)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.feature_versions import FUSION_FEATURE_VERSION
from analysis.records import Sentiment
from analysis.sentiment.fusion import FUSION_FEATURES, fusion_features
from analysis.training.jobs import Task, TrainingOptions, TrainingOutcome, prepare_folder, run_training
from analysis.training.judging.crossvalidation import Choice, Recipe
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem, Labels, check_trainable
from analysis.training.labelled.splits import Indices
from pipeline.errors import ConfigurationError

FUSION_LIMITS = (
    "Serves only with the two models whose answers it was trained on; train it again when one of them changes.",
)


@dataclass(frozen=True, slots=True)
class BothSides:
    """Items with what words and voice say of each; None where a side has no value."""

    labels: Labels
    words: Sequence[Sentiment | None]
    voice: Sequence[Sentiment | None]
    notes: tuple[str, ...] = ()
    """What is to be known about the answers."""

    def complete(self) -> list[int]:
        """Places of the items with both."""
        return [at for at in range(len(self.words)) if self.words[at] is not None and self.voice[at] is not None]


@dataclass(slots=True)
class FusionMaterial:
    """Log-probabilities of both sides."""

    values: npt.NDArray[np.float64]
    labels: npt.NDArray[np.intp]
    groups: Sequence[str]

    def fitting(self, train: Indices) -> tuple[Any, npt.NDArray[np.intp], list[str]]:
        return self.values[train], self.labels[train], [self.groups[at] for at in train]

    def inputs(self, train: Indices, rows: Indices) -> Any:  # noqa: ARG002 - part of the Protocol
        return self.values[rows]


def _stacking(choice: Choice, _seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=choice["C"], max_iter=1000))


FUSION_RECIPE = Recipe(
    name="stacking: log-probabilities of both sides into a logistic regression",
    choices=tuple({"C": c} for c in (0.01, 0.1, 1.0)),
    build=_stacking,
    calibration="temperature",
    select_by="macro_f1",
)


def _complete(sides: BothSides, say: Callable[[str], None]) -> tuple[Sequence[int], list[LabelledItem]]:
    """The items both sides have a value for, and their places. Raises ConfigurationError when there is none."""
    places = sides.complete()
    if len(places) < len(sides.labels.items):
        say(f"{len(sides.labels.items) - len(places)} items left out: only one side has a value")
    if not len(places):
        raise ConfigurationError(f"{sides.labels.path}: no item has a value from words and from voice")
    return places, [sides.labels.items[at] for at in places]


def train_fusion(
    sides: BothSides,
    options: TrainingOptions,
    *,
    in_use: tuple[str, Callable[[Sentiment, Sentiment, str], Sentiment]],
    in_use_folder: Path | None = None,
    limits: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> TrainingOutcome:
    """Train on answers that neither side's model was trained on.

    Args:
        sides: labelled items with the answers of both models, held out.
        in_use: name of the fusion in use, and words, voice, role -> joined.

    Raises ConfigurationError when too few items have both sides.
    """
    prepare_folder(options)
    places, items = _complete(sides, say)
    kept = Labels(path=sides.labels.path, sha256=sides.labels.sha256, items=tuple(items), dropped=sides.labels.dropped)
    check_trainable(kept, least_groups=options.least_groups, least_per_class=options.least_per_class)
    pairs = [(sides.words[at], sides.voice[at]) for at in places]
    both = [(words, voice) for words, voice in pairs if words is not None and voice is not None]

    def ask() -> npt.NDArray[np.float64]:
        joined = [in_use[1](words, voice, item.role) for (words, voice), item in zip(both, items, strict=True)]
        return np.asarray([(one.negative, one.neutral, one.positive) for one in joined])

    task = Task(
        kind="fusion",
        classes=SENTIMENTS,
        features=FUSION_FEATURES,
        feature_version=FUSION_FEATURE_VERSION,
        material=FusionMaterial(
            np.asarray([fusion_features(words, voice) for words, voice in both]),
            np.asarray([SENTIMENTS.index(item.label) for item in items]),
            [item.group for item in items],
        ),
        recipe=FUSION_RECIPE,
        items=items,
        labels=kept,
        limits=(*limits, *FUSION_LIMITS),
        data={"one_side_only": len(sides.labels.items) - len(places)},
        in_use=(in_use[0], ask),
        in_use_folder=in_use_folder,
    )
    return run_training(task, options, say)
