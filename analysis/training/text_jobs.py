"""`train text` and `train topics`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.feature_versions import TEXT_FEATURE_VERSION
from analysis.records import Sentiment
from analysis.training.jobs import Task, TrainingOptions, TrainingOutcome, prepare_folder, run_training
from analysis.training.kinds.text import TEXT_RECIPES, TOPIC_RECIPE, text_material
from analysis.training.labelled.labels import SENTIMENTS, LabelColumns, check_trainable, read_labels
from pipeline.errors import ConfigurationError

AskTexts = Callable[[Sequence[str]], Sequence[Sentiment]]

TEXT_LIMITS = ("Judges words alone: irony without a telling word, and what is said by tone, are missed.",)
TOPIC_LIMITS = ("Knows the topics of its labels only; every text gets one of them, so look at the probability.",)


def train_text(
    labels_path: Path,
    options: TrainingOptions,
    *,
    model: str,
    columns: LabelColumns,
    label_map: Mapping[str, str] | None = None,
    languages: Sequence[str] = ("en",),
    in_use: tuple[str, AskTexts] | None = None,
    in_use_folder: Path | None = None,
    limits: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> TrainingOutcome:
    """Train a text sentiment model.

    Args:
        labels_path: CSV with text, label, group.
        model: `words`, `cues` (both English) or `plain` (any language written with spaces).
        languages: ISO 639-1 codes of the labelled texts; others will get no value.
        in_use: name of the engine in use and how to ask it.

    Raises ConfigurationError for bad labels, with row numbers.
    """
    if model not in TEXT_RECIPES:
        raise ConfigurationError(f"--model {model}: must be one of {', '.join(TEXT_RECIPES)}")
    if model != "plain" and list(languages) != ["en"]:
        raise ConfigurationError(f"--model {model}: knows English only; take --model plain for {', '.join(languages)}")
    prepare_folder(options)
    labels = read_labels(labels_path, columns, needs=("text",), label_map=label_map)
    check_trainable(labels, least_groups=options.least_groups, least_per_class=options.least_per_class)
    material = text_material(labels.items, SENTIMENTS)
    task = Task(
        kind="text",
        classes=SENTIMENTS,
        features=("text",),
        feature_version=TEXT_FEATURE_VERSION,
        material=material,
        recipe=TEXT_RECIPES[model],
        items=labels.items,
        labels=labels,
        limits=(*limits, *TEXT_LIMITS),
        options={"languages": list(languages)},
        libraries=("vaderSentiment",),
        in_use=None if in_use is None else (in_use[0], lambda: _shares(in_use[1](material.texts))),
        in_use_folder=in_use_folder,
    )
    return run_training(task, options, say)


def _shares(sentiments: Sequence[Sentiment]) -> npt.NDArray[np.float64]:
    return np.asarray([(one.negative, one.neutral, one.positive) for one in sentiments])


def train_topics(
    labels_path: Path,
    options: TrainingOptions,
    *,
    columns: LabelColumns,
    label_map: Mapping[str, str] | None = None,
    languages: Sequence[str] = ("en",),
    in_use_folder: Path | None = None,
    limits: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> TrainingOutcome:
    """Train a topic classifier on texts with any labels; `topic > subtopic` is a label like any other.

    Load it with `analysis.model_folder.load_model(folder, kind="topics")`: `pipeline.predict_proba(texts)`
    has a column per entry of `pipeline.classes_`, numbers into `card.classes`.

    Raises ConfigurationError for bad labels, with row numbers.
    """
    prepare_folder(options)
    labels = read_labels(labels_path, columns, needs=("text",), classes=None, label_map=label_map)
    check_trainable(labels, least_groups=options.least_groups, least_per_class=options.least_per_class)
    classes = tuple(labels.balance())
    material = text_material(labels.items, classes)
    task = Task(
        kind="topics",
        classes=classes,
        features=("text",),
        feature_version=TEXT_FEATURE_VERSION,
        material=material,
        recipe=TOPIC_RECIPE,
        items=labels.items,
        labels=labels,
        limits=(*limits, *TOPIC_LIMITS),
        options={"languages": list(languages)},
        in_use=None
        if in_use_folder is None
        else (in_use_folder.name, lambda: _topic_answers(in_use_folder, classes, material.texts)),
        in_use_folder=in_use_folder,
    )
    return run_training(task, options, say)


def _topic_answers(folder: Path, classes: Sequence[str], texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """The model in use; topics it does not know get 0, topics only it knows are left out."""
    from analysis.model_folder import load_model

    loaded = load_model(folder, kind="topics", feature_version=TEXT_FEATURE_VERSION)
    found = np.asarray(loaded.pipeline.predict_proba(list(texts)))
    whole = np.zeros((len(found), len(classes)))
    for at, number in enumerate(loaded.pipeline.classes_):
        name = loaded.card.classes[int(number)] if loaded.card else str(number)
        if name in classes:
            whole[:, list(classes).index(name)] = found[:, at]
    return whole
