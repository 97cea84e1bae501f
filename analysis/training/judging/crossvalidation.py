"""Nested grouped cross-validation: hyper-parameters and calibration are found inside each fold's training part."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from analysis.training.judging.measures import confusion, macro_f1, unweighted_recall
from analysis.training.labelled.splits import Indices, Split, grouped_splits
from pipeline.errors import ConfigurationError

Choice = Mapping[str, Any]


class Material(Protocol):
    """Labelled items as a model takes them."""

    @property
    def labels(self) -> npt.NDArray[np.intp]: ...

    @property
    def groups(self) -> Sequence[str]: ...

    def fitting(self, train: Indices) -> tuple[Any, npt.NDArray[np.intp], list[str]]:
        """Inputs, labels and groups to fit on; may hold several views of an item."""
        ...

    def inputs(self, train: Indices, rows: Indices) -> Any:
        """Inputs of `rows` as the model would see them in use; all averages come from `train` alone."""
        ...


@dataclass(frozen=True, slots=True)
class PlainMaterial:
    """Items whose inputs need no preparation: a model sees them in use as they are here."""

    values: npt.NDArray[Any]
    """Shape (items, ...): vectors of features, or texts."""
    labels: npt.NDArray[np.intp]
    groups: Sequence[str]

    def fitting(self, train: Indices) -> tuple[Any, npt.NDArray[np.intp], list[str]]:
        return self.values[train], self.labels[train], [self.groups[row] for row in train]

    def inputs(self, train: Indices, rows: Indices) -> Any:  # noqa: ARG002 - part of the Protocol
        return self.values[rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is made."""

    name: str
    choices: tuple[Choice, ...]
    """Hyper-parameters to pick from, inside each fold."""
    build: Callable[[Choice, int], Any]
    """Choice and seed -> unfitted scikit-learn pipeline."""
    calibration: str = "sigmoid"
    """`sigmoid` (Platt 1999) or `temperature` (Guo 2017), on held-out scores; `none` leaves them."""
    balanced: bool = False
    """Calibrate for equally frequent classes instead of the data's shares."""
    inner_folds: int = 4
    select_by: str = "recall"
    """`recall` (UAR) or `macro_f1`."""


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """Held-out probabilities, and the model fitted on everything."""

    probabilities: npt.NDArray[np.float64]
    """Shape (items, classes): each row by a model that never met its group."""
    chosen: tuple[Choice, ...]
    """Per fold."""
    model: Any
    choice: Choice


def cross_validate(
    material: Material,
    classes: int,
    recipe: Recipe,
    *,
    folds: int | None,
    seed: int,
    say: Callable[[str], None] = lambda _: None,
) -> CrossValidated:
    """Held-out probabilities of every item, then one model of all items. Seeded: same input, same model."""
    labels = material.labels
    held_out = np.zeros((len(labels), classes))
    chosen: list[Choice] = []
    splits = grouped_splits(labels.tolist(), material.groups, folds, seed)
    _refuse_lost_classes(labels, splits, folds)
    for number, (train, test) in enumerate(splits, 1):
        choice = choose(material, train, classes, recipe, seed)
        model = fit(material, train, recipe, choice, seed)
        held_out[test] = probabilities_of(model, material.inputs(train, test), classes)
        chosen.append(choice)
        say(f"fold {number} of {len(splits)}: {dict(choice)}")
    everything = np.arange(len(labels))
    final = choose(material, everything, classes, recipe, seed)
    return CrossValidated(held_out, tuple(chosen), fit(material, everything, recipe, final, seed), final)


def _lost_classes(labels: npt.NDArray[np.intp], train: Indices) -> set[int]:
    return set(labels.tolist()) - set(labels[train].tolist())


def _refuse_lost_classes(labels: npt.NDArray[np.intp], splits: Sequence[Split], folds: int | None) -> None:
    """Raises ConfigurationError where a split leaves none of a class to learn from."""
    if any(_lost_classes(labels, train) for train, _ in splits):
        raise ConfigurationError(
            "a class is in too few groups (speakers, calls): a split leaves none of it to learn from; label it in more "
            f"groups{'' if folds is None else ', or give --leave-one-group-out'}"
        )


def choose(material: Material, train: Indices, classes: int, recipe: Recipe, seed: int) -> Choice:
    """The choice with the best held-out figure within `train`; on a tie, the first."""
    if len(recipe.choices) == 1:
        return recipe.choices[0]
    labels = material.labels[train]
    groups = [material.groups[row] for row in train]
    folds = min(recipe.inner_folds, len(set(groups)))
    # A split without items of some class to learn from says nothing about a choice.
    splits = [
        split
        for split in grouped_splits(labels.tolist(), groups, folds, seed + 1)
        if not _lost_classes(labels, split[0])
    ]
    measure = unweighted_recall if recipe.select_by == "recall" else macro_f1
    best: tuple[float, Choice] | None = None
    for choice in recipe.choices:
        table = np.zeros((classes, classes))
        for inner, held in splits:
            rows, there = train[inner], train[held]
            inputs, targets, _ = material.fitting(rows)
            model = _quietly_fit(recipe.build(choice, seed), inputs, targets)
            table += confusion(material.labels[there], model.predict(material.inputs(rows, there)), classes)
        value = float(measure(table[None])[0])
        if best is None or value > best[0] + 1e-12:
            best = (value, choice)
    assert best is not None
    return best[1]


def fit(material: Material, train: Indices, recipe: Recipe, choice: Choice, seed: int) -> Any:
    """One model of `train`, calibrated on scores that grouped folds within it held out."""
    inputs, targets, groups = material.fitting(train)
    pipeline = recipe.build(choice, seed)
    if recipe.calibration == "none":
        return _quietly_fit(pipeline, inputs, targets)
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.utils.class_weight import compute_sample_weight

    folds = min(recipe.inner_folds, len(set(groups)))
    splits = grouped_splits(targets.tolist(), groups, folds, seed + 2)
    _refuse_lost_classes(targets, splits, folds)
    calibrated = CalibratedClassifierCV(pipeline, method=recipe.calibration, cv=splits, ensemble=False)
    weights = compute_sample_weight("balanced", targets) if recipe.balanced else None
    _quietly_fit(calibrated, inputs, targets, weights)
    # The splits are row numbers of the training data: nothing a stored model should carry along.
    calibrated.cv = None
    return calibrated


def _quietly_fit(model: Any, inputs: Any, targets: Any, weights: Any = None) -> Any:
    with warnings.catch_warnings():
        # Pipelines take no weights: they are meant for the calibration alone, and scikit-learn remarks on it.
        warnings.filterwarnings("ignore", message=".*sample.weight.*")
        return model.fit(inputs, targets) if weights is None else model.fit(inputs, targets, sample_weight=weights)


def probabilities_of(model: Any, inputs: Any, classes: int) -> npt.NDArray[np.float64]:
    """Columns in the order of class numbers; a class the model never met gets 0."""
    found = np.asarray(model.predict_proba(inputs), dtype=float)
    whole = np.zeros((len(found), classes))
    whole[:, np.asarray(model.classes_, dtype=int)] = found
    return whole
