"""`run.py train KIND`: from labels to a model folder the configuration points to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from analysis.model_folder import CARD_FILE, ModelCard, library_versions, read_card, save_model
from analysis.sentiment.as_numbers.file import write_numbers
from analysis.training.judging.crossvalidation import CrossValidated, cross_validate
from analysis.training.judging.held_out import HELD_OUT_FILE, Probabilities, item_keys, read_held_out, write_held_out
from analysis.training.judging.measures import Comparison, Scores, compare, score
from analysis.training.kinds.acoustic import ACOUSTIC
from analysis.training.kinds.fusion import FUSION
from analysis.training.kinds.text import TEXT
from analysis.training.kinds.topics import TOPICS
from analysis.training.report import write_report
from analysis.training.task import Kind, Say, Task, TrainingRequest
from pipeline.errors import ConfigurationError, ModelUnavailable, OutputUnavailable, UntrustedModel
from pipeline.plurals import counted

KINDS: Mapping[str, Kind] = {"text": TEXT, "acoustic": ACOUSTIC, "fusion": FUSION, "topics": TOPICS}
REPORT_FILE = "report.html"
BALANCE_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """The result of one training."""

    folder: Path
    card: ModelCard
    scores: Scores
    comparison: Comparison | None
    note: str
    """About the comparison: with what, or why there is none."""
    config_keys: tuple[str, ...]
    """Settings that must name the folder for the model to be used."""


def train(kind: str, request: TrainingRequest, say: Say = lambda _: None) -> TrainingOutcome:
    """Train one kind of model: `text`, `acoustic`, `fusion` or `topics`.

    Raises:
        ConfigurationError: an unknown kind or model, or bad labels, with row numbers.
        OutputUnavailable: the folder cannot be written.
    """
    chosen = KINDS.get(kind)
    if chosen is None:
        raise ConfigurationError(f"train {kind}: must be one of {', '.join(KINDS)}")
    model = request.model or chosen.models[0]
    if model not in chosen.models:
        raise ConfigurationError(f"--model {model}: must be one of {', '.join(chosen.models)}")
    _prepare_folder(request)
    return _run(chosen.prepare(request, model, say), request, say)


def _prepare_folder(request: TrainingRequest) -> None:
    """Raises OutputUnavailable, ConfigurationError before any time is spent."""
    out = request.out
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not request.overwrite)):
        raise ConfigurationError(f"--out {out}: already exists; name a new folder, or give --overwrite")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnavailable(f"--out {out}: cannot be written: {error}") from None


def _run(task: Task, request: TrainingRequest, say: Say) -> TrainingOutcome:
    """Cross-validate, fit on everything, compare with the model in use, write the folder."""
    from analysis.training.as_numbers import numbers_of

    items, groups = task.labels.items, task.material.groups
    say(f"{counted(len(items), 'item')}, {counted(len(set(groups)), 'group')}: {_told(task.labels.balance())}")
    fitted = cross_validate(
        task.material, len(task.classes), task.recipe, folds=request.folds, seed=request.seed, say=say
    )
    truth = task.material.labels
    scores = score(truth, fitted.probabilities, groups, request.seed)
    comparison, note = _compare(task, fitted.probabilities, request.seed)
    model, more = task.finish(fitted, say) if task.finish else (fitted.model, {})
    card = _card(task, request, fitted=fitted, scores=scores, comparison=comparison, note=note)
    card = save_model(request.out, model, replace(card, figures={**card.figures, **more}))
    write_numbers(request.out, numbers_of(model), card.model_sha256)
    write_held_out(request.out / HELD_OUT_FILE, items, task.kind, task.classes, fitted.probabilities)
    write_report(request.out / REPORT_FILE, card, scores, comparison, truth=truth, probabilities=fitted.probabilities)
    return TrainingOutcome(
        folder=request.out,
        card=card,
        scores=scores,
        comparison=comparison,
        note=note,
        config_keys=task.config_keys,
    )


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
        # Users train again to replace a model that no longer loads, so such a model must not stop the training.
        return None, f"no comparison: {error}"
    for index, shares in known.items():
        old[index] = shares
    how = f" (on {len(known)} of {len(old)} items by its own held-out answers: it was trained on them)" if known else ""
    comparison = compare(task.material.labels, fresh, old, task.material.groups, seed)
    return comparison, f"{comparison.verdict} {name}{how}, UAR difference {comparison.recall}"


def _held_out_of(task: Task) -> dict[int, list[float]] | str:
    """By index, what the model in use said about its training items while held out; or why nothing is known."""
    folder = task.in_use_folder
    if folder is None or not (folder / CARD_FILE).is_file():
        return {}
    # Another model's topics may be others: a class it does not know has probability 0.
    theirs = read_card(folder).classes
    rows = read_held_out(folder / HELD_OUT_FILE, theirs)
    if not rows and read_card(folder).data.get("labels_sha256") == task.labels.sha256:
        return "the model in use was trained on these items and kept no held-out answers: no fair comparison"
    known = {}
    for index, key in enumerate(item_keys(task.labels.items, task.kind) if rows else ()):
        if key in rows:
            shares = dict(zip(theirs, rows[key], strict=True))
            known[index] = [shares.get(name, 0.0) for name in task.classes]
    return known


def _card(
    task: Task,
    request: TrainingRequest,
    *,
    fitted: CrossValidated,
    scores: Scores,
    comparison: Comparison | None,
    note: str,
) -> ModelCard:
    protocol = "leave-one-group-out" if request.folds is None else f"{request.folds} grouped folds"
    data = {
        "labels": task.labels.path.name,
        "labels_sha256": task.labels.sha256,
        "licence": request.licence,
        "items": len(task.labels.items),
        "groups": len(set(task.material.groups)),
        "class_balance": task.labels.balance(),
        "dropped": dict(task.labels.dropped),
        **task.data,
    }
    figures = {
        "protocol": f"{protocol}, nested; hyper-parameters and calibration inside; seed {request.seed}",
        **{key: value for key, value in asdict(scores).items() if key not in ("items", "groups")},
        "comparison": note,
        "difference": None if comparison is None else asdict(comparison),
    }
    recipe = {"recipe": task.recipe.name, "calibration": task.recipe.calibration, "chosen": dict(fitted.choice)}
    return ModelCard(
        kind=task.kind,
        title=request.title or task.title,
        classes=task.classes,
        features=task.features,
        feature_version=task.feature_version,
        versions=library_versions(*task.libraries),
        data=data,
        figures=figures,
        options={**recipe, **task.options},
        limits=(*request.limits, *task.limits),
    )
