"""`run.py train …`: from labels to a model folder the configuration points to."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.training.crossvalidation import CrossValidated, Material, Recipe, cross_validate
from analysis.training.labels import LabelledItem, Labels
from analysis.training.measures import Comparison, Scores, compare, score
from analysis.training.model_folder import ModelCard, library_versions, save_model
from analysis.training.report import write_report
from pipeline.errors import ConfigurationError, OutputUnavailable

HELD_OUT_FILE = "held_out.csv"
REPORT_FILE = "report.html"

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What all kinds of training share."""

    out: Path
    """Folder for the model; must be new or empty unless `overwrite`."""
    title: str
    licence: str = "not stated"
    """Of the labelled data."""
    folds: int | None = 5
    """Outer folds; None leaves one group out at a time."""
    seed: int = 0
    overwrite: bool = False
    least_groups: int = 5
    least_per_class: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """What came of it."""

    folder: Path
    card: ModelCard
    scores: Scores
    comparison: Comparison | None
    note: str
    """About the comparison: with what, or why there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One kind of training, made ready."""

    kind: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    feature_version: str
    material: Material
    recipe: Recipe
    items: Sequence[LabelledItem]
    labels: Labels
    limits: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    in_use: tuple[str, Callable[[], Probabilities]] | None = None
    """Name of the model in use, and its probabilities for the items; may raise EarshotError."""
    in_use_folder: Path | None = None


def prepare_folder(options: TrainingOptions) -> None:
    """Raises OutputUnavailable, ConfigurationError before any time is spent."""
    out = options.out
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not options.overwrite)):
        raise ConfigurationError(f"--out {out}: is there already; name a new folder, or give --overwrite")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnavailable(f"--out {out}: cannot be written: {error}") from None


def run_training(task: Task, options: TrainingOptions, say: Callable[[str], None]) -> TrainingOutcome:
    """Cross-validate, fit on everything, compare with the model in use, write the folder."""
    say(f"{len(task.items)} items, {len(set(task.material.groups))} groups: {task.labels.balance()}")
    found = cross_validate(
        task.material, len(task.classes), task.recipe, folds=options.folds, seed=options.seed, say=say
    )
    truth, groups = task.material.labels, task.material.groups
    scores = score(truth, found.probabilities, groups, options.seed)
    comparison, note = _compare(task, found.probabilities, options.seed)
    card = save_model(
        options.out, found.model, _card(task, options, found=found, scores=scores, comparison=comparison, note=note)
    )
    write_held_out(options.out / HELD_OUT_FILE, task, found.probabilities)
    write_report(
        options.out / REPORT_FILE,
        card,
        scores,
        comparison,
        truth=truth,
        probabilities=found.probabilities,
    )
    return TrainingOutcome(folder=options.out, card=card, scores=scores, comparison=comparison, note=note)


def _compare(task: Task, fresh: Probabilities, seed: int) -> tuple[Comparison | None, str]:
    """Held-out figures of both models; where the one in use was trained on these items, its own held-out answers."""
    if task.in_use is None:
        return None, "no model in use to compare with"
    name, ask = task.in_use
    stored = _held_out_of(task)
    if isinstance(stored, str):
        return None, stored
    old = ask() if stored is None else stored
    how = "" if stored is None else " (its own held-out answers: it was trained on these items)"
    comparison = compare(task.material.labels, fresh, old, task.material.groups, seed)
    return comparison, f"{comparison.verdict} than {name}{how}, UAR difference {comparison.recall}"


def _held_out_of(task: Task) -> Probabilities | str | None:
    """Answers the model in use gave when these very items were held out; None when it never met them; else why not."""
    from analysis.training.model_folder import read_card

    folder = task.in_use_folder
    if folder is None or not folder.is_dir():
        return None
    if read_card(folder).data.get("labels_sha256") != task.labels.sha256:
        return None
    rows = read_held_out(folder / HELD_OUT_FILE, task.classes)
    if any(item.row not in rows for item in task.items):
        return "the model in use was trained on these items and kept no held-out answers: no fair comparison"
    return np.asarray([rows[item.row] for item in task.items])


def _card(
    task: Task,
    options: TrainingOptions,
    *,
    found: CrossValidated,
    scores: Scores,
    comparison: Comparison | None,
    note: str,
) -> ModelCard:
    protocol = "leave-one-group-out" if options.folds is None else f"{options.folds} grouped folds"
    data = {
        "labels": task.labels.path.name,
        "labels_sha256": task.labels.sha256,
        "licence": options.licence,
        "items": len(task.items),
        "groups": len(set(task.material.groups)),
        "class_balance": task.labels.balance(),
        "dropped": dict(task.labels.dropped),
        **task.data,
    }
    figures = {
        "protocol": f"{protocol}, nested; hyper-parameters and calibration inside; seed {options.seed}",
        **{key: value for key, value in asdict(scores).items() if key not in ("items", "groups")},
        "comparison": note,
        "difference": None if comparison is None else asdict(comparison),
    }
    recipe = {"recipe": task.recipe.name, "calibration": task.recipe.calibration, "chosen": dict(found.choice)}
    return ModelCard(
        kind=task.kind,
        title=options.title,
        classes=task.classes,
        features=task.features,
        feature_version=task.feature_version,
        versions=library_versions(*task.libraries),
        data=data,
        figures=figures,
        options={**recipe, **task.options},
        limits=task.limits,
    )


def write_held_out(path: Path, task: Task, probabilities: Probabilities) -> None:
    """Row, label, group and probabilities of every item, each by a model that never met its group."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "label", "group", *task.classes])
        for item, shares in zip(task.items, probabilities, strict=True):
            writer.writerow([item.row, item.label, item.group, *(f"{share:.6f}" for share in shares)])


def read_held_out(path: Path, classes: Sequence[str]) -> dict[int, list[float]]:
    """Probabilities by row number of the labels file; empty when there is no such file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if any(name not in (reader.fieldnames or []) for name in ("row", *classes)):
            return {}
        return {int(row["row"]): [float(row[name]) for name in classes] for row in reader}
