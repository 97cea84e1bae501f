"""`train acoustic` and `train text`, as tasks for `run_training`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis.model_folder import load_model
from analysis.sentiment.features import FEATURE_NAMES, FEATURE_VERSION, Array
from analysis.sentiment.normalise import Averages
from analysis.training.jobs import Task, TrainingOptions, TrainingOutcome, prepare_folder, run_training
from analysis.training.kinds.acoustic import (
    ACOUSTIC_RECIPES,
    AcousticMaterial,
    HeardItems,
    ReadAudio,
    hear,
    material_of,
    refuse_shared_sound,
)
from analysis.training.labelled.labels import SENTIMENTS, LabelColumns, Labels, check_trainable, read_labels
from pipeline.errors import ConfigurationError

ACOUSTIC_LIMITS = (
    "Says how like the training voices a line sounds, not what a person feels; never judge a person by it.",
    "Probabilities are calibrated on the training data with all classes equally frequent.",
    "Normalising against the speaker's own call hides a mood that lasts through the whole call.",
)


def train_acoustic(
    labels_path: Path,
    options: TrainingOptions,
    *,
    model: str,
    read_audio: ReadAudio,
    columns: LabelColumns,
    label_map: Mapping[str, str] | None = None,
    in_use: Path | None = None,
    trusted: Sequence[str] = (),
    prior_chunks: float = 2.0,
    limits: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> TrainingOutcome:
    """Train an acoustic model.

    Args:
        labels_path: CSV with recording, label, speaker; optionally start_s, end_s, channel.
        model: `svm` or `forest`.
        read_audio: decodes a recording.
        in_use: folder of the model to compare with.
        limits: further sentences for the card.

    Raises ConfigurationError for bad labels, with row numbers.
    """
    if model not in ACOUSTIC_RECIPES:
        raise ConfigurationError(f"--model {model}: must be one of {', '.join(ACOUSTIC_RECIPES)}")
    prepare_folder(options)
    labels = read_labels(labels_path, columns, needs=("audio",), label_map=label_map)
    check_trainable(labels, least_groups=options.least_groups, least_per_class=options.least_per_class)
    heard, kept = _heard(labels, options, read_audio, say)
    material = material_of(heard)
    material.prior_chunks = prior_chunks
    everything = np.arange(len(heard.items))
    averages = material.averages(everything)
    task = Task(
        kind="acoustic",
        classes=SENTIMENTS,
        features=FEATURE_NAMES,
        feature_version=FEATURE_VERSION,
        material=material,
        recipe=ACOUSTIC_RECIPES[model],
        items=heard.items,
        labels=kept,
        limits=(*limits, *ACOUSTIC_LIMITS),
        options={
            "normalisation": "trained on each item against its speaker and against everybody",
            "prior_chunks": prior_chunks,
            "averages": {"mean": averages.mean.tolist(), "std": averages.std.tolist()},
        },
        data={"left_out": list(heard.left_out)},
        libraries=("librosa", "soxr"),
        in_use=None if in_use is None else (in_use.name, lambda: _answers(in_use, trusted, material)),
        in_use_folder=in_use,
    )
    return run_training(task, options, say)


def _heard(
    labels: Labels, options: TrainingOptions, read_audio: ReadAudio, say: Callable[[str], None]
) -> tuple[HeardItems, Labels]:
    """The items with their features, and the labels of those that have any. Raises ConfigurationError."""
    heard = hear(labels.items, read_audio, None)
    refuse_shared_sound(heard)
    for line in heard.left_out:
        say(f"left out: {line}")
    kept = Labels(path=labels.path, sha256=labels.sha256, items=heard.items, dropped=labels.dropped)
    check_trainable(kept, least_groups=options.least_groups, least_per_class=options.least_per_class)
    return heard, kept


def _answers(folder: Path, trusted: Sequence[str], material: AcousticMaterial) -> Array:
    """The model in use on the same items, by its own averages; columns in the order of SENTIMENTS."""
    from analysis.sentiment.probabilities import to_sentiments

    loaded = load_model(
        folder, kind="acoustic", features=FEATURE_NAMES, feature_version=FEATURE_VERSION, trusted=trusted
    )
    inputs = material.values
    if loaded.card is not None:
        kept = loaded.card.options["averages"]
        averages = Averages(np.asarray(kept["mean"]), np.asarray(kept["std"]))
        inputs = material.by_speaker(averages, np.arange(len(inputs)))
    found = to_sentiments(loaded.pipeline.predict_proba(inputs), loaded.pipeline.classes_, loaded.card)
    return np.asarray([(one.negative, one.neutral, one.positive) for one in found])
