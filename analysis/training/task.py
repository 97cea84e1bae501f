"""What training is asked for, and one kind of training made ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.training.judging.crossvalidation import CrossValidated, Material, Recipe
from analysis.training.judging.held_out import Probabilities
from analysis.training.labelled.labels import SENTIMENTS, LabelFile, Labels, check_trainable, read_labels
from analysis.training.labelled.recordings import ReadAudio
from pipeline.config.root import Settings

Say = Callable[[str], None]
"""Reports progress to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What all kinds of training read, and what only some of them read."""

    labels: LabelFile
    out: Path
    """Folder for the model; must be new or empty unless `overwrite`."""
    settings: Settings
    """Settings that name the models in use, to compare with."""
    read_audio: ReadAudio
    model: str | None = None
    """Which of the kind's models; None for the first."""
    languages: Sequence[str] = ("en",)
    """ISO 639-1 codes of labelled texts; texts in others will get no value."""
    neutral: Path | None = None
    """Text: a CSV of further lines (`text`, optionally `role`) that are learned from as neutral."""
    neutral_items: int = 800
    """At most so many of them."""
    words_held_out: Path | None = None
    voice_held_out: Path | None = None
    """For fusion: answers to take instead of asking the models."""
    title: str | None = None
    licence: str = "not stated"
    """Licence of the labelled data."""
    limits: Sequence[str] = ()
    """Further sentences for the card."""
    folds: int | None = 5
    """Outer folds; None leaves one group out at a time."""
    seed: int = 0
    overwrite: bool = False
    least_groups: int = 5
    least_per_class: int = 10

    def read_labels(self, need: str, classes: Sequence[str] | None = SENTIMENTS) -> Labels:
        """Labels whose rows all have `need` (`text` or `audio`). Raises ConfigurationError, with row numbers."""
        return self.trainable(read_labels(self.labels, needs=(need,), classes=classes))

    def trainable(self, labels: Labels) -> Labels:
        """The same labels. Raises ConfigurationError when they are too few to learn from."""
        check_trainable(labels, least_groups=self.least_groups, least_per_class=self.least_per_class)
        return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One training, ready to start."""

    kind: str
    title: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    feature_version: str
    material: Material
    recipe: Recipe
    labels: Labels
    config_keys: tuple[str, ...]
    """Settings that must name the folder for the model to be used."""
    limits: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    in_use: tuple[str, Callable[[], Probabilities]] | None = None
    """Name of the model in use, and its probabilities for the items; may raise EarshotError."""
    in_use_folder: Path | None = None
    finish: Callable[[CrossValidated, Say], tuple[Any, Mapping[str, Any]]] | None = None
    """Makes the model that is written out of the fitted one, with figures for its card."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of training: the models there are to choose from, and the function that prepares it."""

    prepare: Callable[[TrainingRequest, str, Say], Task]
    """Takes the request, the model's name and the progress callback.

    Raises ConfigurationError for bad labels, with row numbers.
    """
    models: tuple[str, ...]
    """The first is the default."""
