"""`run.py train …`: from labels to a model folder the configuration points to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from analysis.model_folder import CARD_FILE, ModelCard, library_versions, read_card, save_model
from analysis.training.judging.crossvalidation import CrossValidated, Material, Recipe, cross_validate
from analysis.training.judging.held_out import HELD_OUT_FILE, Probabilities, item_keys, read_held_out, write_held_out
from analysis.training.judging.measures import Comparison, Scores, compare, score
from analysis.training.labelled.labels import LabelledItem, Labels
from analysis.training.report import write_report
from pipeline.errors import ConfigurationError, ModelUnavailable, OutputUnavailable, UntrustedModel

REPORT_FILE = "report.html"
BALANCE_SHOWN = 12


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
    say(f"{len(task.items)} items, {len(set(task.material.groups))} groups: {_told(task.labels.balance())}")
    found = cross_validate(
        task.material, len(task.classes), task.recipe, folds=options.folds, seed=options.seed, say=say
    )
    truth, groups = task.material.labels, task.material.groups
    scores = score(truth, found.probabilities, groups, options.seed)
    comparison, note = _compare(task, found.probabilities, options.seed)
    card = save_model(
        options.out, found.model, _card(task, options, found=found, scores=scores, comparison=comparison, note=note)
    )
    write_held_out(options.out / HELD_OUT_FILE, task.items, task.kind, task.classes, found.probabilities)
    write_report(
        options.out / REPORT_FILE,
        card,
        scores,
        comparison,
        truth=truth,
        probabilities=found.probabilities,
    )
    return TrainingOutcome(folder=options.out, card=card, scores=scores, comparison=comparison, note=note)


def _told(balance: Mapping[str, int]) -> str:
    if len(balance) > BALANCE_SHOWN:
        return f"{len(balance)} classes of {min(balance.values())} to {max(balance.values())} items"
    return ", ".join(f"{count} {name}" for name, count in balance.items())


def _compare(task: Task, fresh: Probabilities, seed: int) -> tuple[Comparison | None, str]:
    """Held-out figures of both models; where the one in use was trained on these items, its own held-out answers."""
    if task.in_use is None:
        return None, "no model in use to compare with"
    name, ask = task.in_use
    try:
        known = _held_out_of(task)
        if isinstance(known, str):
            return None, known
        old = ask()
    except (ModelUnavailable, UntrustedModel) as error:
        # Training again is the way out of a model that no longer loads: that must not stop it.
        return None, f"no comparison: {error}"
    for at, shares in known.items():
        old[at] = shares
    how = f" (on {len(known)} of {len(old)} items by its own held-out answers: it was trained on them)" if known else ""
    comparison = compare(task.material.labels, fresh, old, task.material.groups, seed)
    return comparison, f"{comparison.verdict} {name}{how}, UAR difference {comparison.recall}"


def _held_out_of(task: Task) -> dict[int, list[float]] | str:
    """By place, what the model in use said of items it was trained on while they were held out; else why not."""
    folder = task.in_use_folder
    if folder is None or not (folder / CARD_FILE).is_file():
        return {}
    # Another model's topics may be others: a class it does not know has probability 0.
    theirs = read_card(folder).classes
    rows = read_held_out(folder / HELD_OUT_FILE, theirs)
    if not rows and read_card(folder).data.get("labels_sha256") == task.labels.sha256:
        return "the model in use was trained on these items and kept no held-out answers: no fair comparison"
    found = {}
    for at, key in enumerate(item_keys(task.items, task.kind) if rows else ()):
        if key in rows:
            shares = dict(zip(theirs, rows[key], strict=True))
            found[at] = [shares.get(name, 0.0) for name in task.classes]
    return found


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
