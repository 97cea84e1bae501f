"""`train acoustic`: sentiment from the voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.model_folder import load_model
from analysis.sentiment.acoustic import SHIPPED_VOICE
from analysis.sentiment.features import FEATURE_NAMES, FEATURE_VERSION, Array
from analysis.sentiment.normalise import Averages, against_speaker
from analysis.sentiment.probabilities import to_sentiments
from analysis.sentiment.shipped_models import model_folder
from analysis.training.judging.crossvalidation import Choice, Recipe
from analysis.training.judging.held_out import shares_of
from analysis.training.labelled.altered import ALTERED
from analysis.training.labelled.labels import SENTIMENTS, Labels
from analysis.training.labelled.recordings import HeardItems, ReadAudio, hear, refuse_shared_sound
from analysis.training.labelled.splits import Indices
from analysis.training.task import Kind, Say, Task, TrainingRequest
from pipeline.config.areas.sentiment import AcousticEngine

ACOUSTIC_LIMITS = (
    "Says how like the training voices a line sounds, not what a person feels; never judge a person by it.",
    "Hears how excited a voice is against the rest of its call, and hardly whether for good or bad: 1 - neutral is the "
    "figure to use, the sign is a guess.",
    "Its own probabilities are calibrated with all classes equally frequent; in a run "
    "`sentiment.acoustic.neutral_share` says how much more frequent neutral is.",
    "Normalising against the speaker's own call hides a mood that lasts through the whole call.",
)


@dataclass(frozen=True, slots=True)
class AcousticMaterial:
    """Feature vectors with labels and speakers."""

    values: Array
    """Shape (items, features)."""
    labels: npt.NDArray[np.intp]
    groups: Sequence[str]
    prior_chunks: float = 2.0
    voices: Sequence[object] = ()
    """Which items are by one speaker of one call; by default, the groups."""
    altered: Sequence[Array] = ()
    """The same items in other forms, shape (items, features) each; learned from, never asked about."""

    def averages(self, train: Indices) -> Averages:
        return Averages.of(np.concatenate([values[train] for values in (self.values, *self.altered)]))

    def fitting(self, train: Indices) -> tuple[Array, npt.NDArray[np.intp], list[str]]:
        """Each item in all its forms, against its speaker."""
        averages = self.averages(train)
        forms = [replace(self, values=values, altered=()) for values in (self.values, *self.altered)]
        views = [form.by_speaker(averages, train) for form in forms]
        labels = np.tile(self.labels[train], len(views))
        return np.concatenate(views), labels, [self.groups[row] for row in train] * len(views)

    def inputs(self, train: Indices, rows: Indices) -> Array:
        return self.by_speaker(self.averages(train), rows)

    def by_speaker(self, averages: Averages, rows: Indices) -> Array:
        keys = self.voices or self.groups
        numbers: dict[object, int] = {}
        speakers = np.asarray([numbers.setdefault(key, len(numbers)) for key in keys])
        normalised = np.empty((len(rows), self.values.shape[1]))
        for speaker in np.unique(speakers[rows]):
            inside = speakers[rows] == speaker
            normalised[inside] = against_speaker(self.values[rows[inside]], averages, self.prior_chunks)
        return normalised


def material_of(heard: HeardItems, altered: Sequence[HeardItems] = ()) -> AcousticMaterial:
    """Raises ValueError where an altered form holds other items."""
    if any(form.items != heard.items for form in altered):
        raise ValueError("every form must hold the same items")
    return AcousticMaterial(
        heard.values,
        np.asarray([SENTIMENTS.index(item.label) for item in heard.items]),
        [item.group for item in heard.items],
        voices=[item.voice for item in heard.items],
        altered=[form.values for form in altered],
    )


def hear_altered(labels: Labels, read_audio: ReadAudio) -> tuple[HeardItems, list[HeardItems]]:
    """Items that hold enough voice in every form, as they are and altered."""
    plain = hear(labels.items, read_audio)
    forms = [hear(plain.items, read_audio, alter) for alter in ALTERED.values()]
    kept = [item for item in plain.items if all(item in form.items for form in forms)]
    return plain.only(kept), [form.only(kept) for form in forms]


def _svm(choice: Choice, _seed: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(), SVC(C=choice["C"], gamma=choice["gamma"], class_weight="balanced"))


def _forest(choice: Choice, seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    forest = RandomForestClassifier(
        n_estimators=choice["trees"],
        max_features=choice["max_features"],
        min_samples_leaf=choice["min_samples_leaf"],
        class_weight="balanced_subsample",
        random_state=seed,
        n_jobs=1,
    )
    return make_pipeline(StandardScaler(), forest)


ACOUSTIC_RECIPES: dict[str, Recipe] = {
    "svm": Recipe(
        name="RBF support vector machine",
        choices=({"C": 0.3, "gamma": 0.003},),
        build=_svm,
        balanced=True,
    ),
    "forest": Recipe(
        name="random forest",
        choices=({"trees": 200, "max_features": 0.1, "min_samples_leaf": 4},),
        build=_forest,
        balanced=True,
    ),
}


def _prepare(request: TrainingRequest, model: str, say: Say) -> Task:
    """From a CSV with recording, label, speaker; optionally start_s, end_s, channel."""
    acoustic, trusted = request.settings.sentiment.acoustic, request.settings.sentiment.trusted_models
    labels = request.read_labels("audio")
    heard, altered = hear_altered(labels, request.read_audio)
    refuse_shared_sound(heard)
    for line in heard.left_out:
        say(f"left out: {line}")
    material = replace(material_of(heard, altered), prior_chunks=acoustic.prior_chunks)
    in_use = None if acoustic.engine is AcousticEngine.OFF else model_folder(acoustic.client_model, SHIPPED_VOICE)
    return Task(
        kind="acoustic",
        title=f"Acoustic sentiment ({model}) from {labels.path.name}",
        classes=SENTIMENTS,
        features=FEATURE_NAMES,
        feature_version=FEATURE_VERSION,
        material=material,
        recipe=ACOUSTIC_RECIPES[model],
        labels=request.trainable(replace(labels, items=heard.items)),
        config_keys=("sentiment.acoustic.client_model", "sentiment.acoustic.agent_model"),
        limits=ACOUSTIC_LIMITS,
        options={
            "normalisation": "against the speaker's other items",
            "forms": ["as it is", *ALTERED],
            "prior_chunks": acoustic.prior_chunks,
            "averages": material.averages(np.arange(len(heard.items))).as_options(),
        },
        data={"left_out": list(heard.left_out)},
        libraries=("librosa", "soxr"),
        in_use=None if in_use is None else (in_use.name, lambda: _answers(in_use, trusted, material)),
        in_use_folder=in_use,
    )


def _answers(folder: Path, trusted: Sequence[str], material: AcousticMaterial) -> Array:
    """The model in use on the same items, by its own averages; columns in the order of SENTIMENTS."""
    loaded = load_model(
        folder, kind="acoustic", features=FEATURE_NAMES, feature_version=FEATURE_VERSION, trusted=trusted
    )
    inputs = material.values
    if loaded.card is not None:
        inputs = material.by_speaker(Averages.of_options(loaded.card.options), np.arange(len(inputs)))
    return shares_of(to_sentiments(loaded.pipeline.predict_proba(inputs), loaded.pipeline.classes_, loaded.card))


ACOUSTIC = Kind(_prepare, tuple(ACOUSTIC_RECIPES))
