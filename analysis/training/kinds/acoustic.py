"""Training material and recipes of acoustic sentiment."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.sentiment.features import Array, chunk_features, to_8_khz
from analysis.sentiment.normalise import Averages, against_everybody, against_speaker
from analysis.training.judging.crossvalidation import Choice, Recipe
from analysis.training.labelled.labels import SENTIMENTS, LabelledItem
from analysis.training.labelled.splits import Indices
from pipeline.errors import ConfigurationError, TerminalError, TransientError
from pipeline.records import SAMPLE_RATE_HZ

Samples = npt.NDArray[np.float32]
ReadAudio = Callable[[Path, int | None], Samples]
"""Path and channel (None: the only one) to mono 16 kHz float32; raises an EarshotError or ValueError."""


@dataclass(slots=True)
class AcousticMaterial:
    """Feature vectors with labels and speakers."""

    values: Array
    """Shape (items, features)."""
    labels: npt.NDArray[np.intp]
    groups: Sequence[str]
    prior_chunks: float = 2.0
    normalised: bool = True
    """Whether inputs in use are normalised against the speaker's own items."""
    voices: Sequence[object] = ()
    """Which items are one speaker's of one call; the groups themselves when not given."""

    def averages(self, train: Indices) -> Averages:
        return Averages.of(self.values[train])

    def fitting(self, train: Indices) -> tuple[Array, npt.NDArray[np.intp], list[str]]:
        """Each item twice: against its speaker and against everybody, so that the model serves short calls too."""
        averages = self.averages(train)
        views = [self.by_speaker(averages, train), against_everybody(self.values[train], averages)]
        labels = np.tile(self.labels[train], len(views))
        return np.concatenate(views), labels, [self.groups[at] for at in train] * len(views)

    def inputs(self, train: Indices, rows: Indices) -> Array:
        averages = self.averages(train)
        if not self.normalised:
            return against_everybody(self.values[rows], averages)
        return self.by_speaker(averages, rows)

    def by_speaker(self, averages: Averages, rows: Indices) -> Array:
        keys = self.voices or self.groups
        numbers: dict[object, int] = {}
        speakers = np.asarray([numbers.setdefault(key, len(numbers)) for key in keys])
        normalised = np.empty((len(rows), self.values.shape[1]))
        for speaker in np.unique(speakers[rows]):
            inside = speakers[rows] == speaker
            normalised[inside] = against_speaker(self.values[rows[inside]], averages, self.prior_chunks)
        return normalised


@dataclass(frozen=True, slots=True)
class HeardItems:
    """What could be computed of the labelled recordings."""

    items: tuple[LabelledItem, ...]
    values: Array
    left_out: tuple[str, ...]
    """`row 7: silence`, for items without a feature vector."""


def hear(
    items: Sequence[LabelledItem], read_audio: ReadAudio, alter: Callable[[Samples], Samples] | None
) -> HeardItems:
    """Features of every item that holds enough voice.

    Args:
        read_audio: decodes a recording.
        alter: changes the sound first (a telephone line), for measuring.

    Raises ConfigurationError, with the row numbers, when recordings cannot be decoded.
    """
    kept, values, left_out, faults = [], [], [], []
    for item in items:
        assert item.audio is not None
        try:
            samples = read_audio(item.audio, item.channel)
        except (TerminalError, TransientError, ValueError) as error:
            faults.append(f"row {item.row}: {error}")
            continue
        first = round((item.start_s or 0.0) * SAMPLE_RATE_HZ)
        last = None if item.end_s is None else round(item.end_s * SAMPLE_RATE_HZ)
        samples = samples[first:last]
        features = chunk_features(to_8_khz(alter(samples) if alter else samples, SAMPLE_RATE_HZ))
        if features.values is None:
            left_out.append(f"row {item.row}: {features.reason}")
            continue
        kept.append(item)
        values.append(features.values)
    refuse_unreadable(faults)
    if not kept:
        raise ConfigurationError("no labelled recording holds enough voice: " + "; ".join(left_out[:10]))
    return HeardItems(tuple(kept), np.stack(values), tuple(left_out))


def refuse_unreadable(faults: Sequence[str]) -> None:
    """Raises ConfigurationError with every row, where there are any."""
    if faults:
        raise ConfigurationError(f"{len(faults)} recordings cannot be read:\n" + "\n".join(faults))


def refuse_shared_sound(heard: HeardItems) -> None:
    """Copies of a recording under other names, in two groups, would be on both sides of a split."""
    seen: dict[bytes, LabelledItem] = {}
    faults = []
    for item, values in zip(heard.items, heard.values, strict=True):
        first = seen.setdefault(values.tobytes(), item)
        if first.group != item.group:
            faults.append(
                f"row {item.row}: the same sound is in group {item.group!r} here and in {first.group!r} in row "
                f"{first.row}: a group would be on both sides of the split"
            )
    if faults:
        raise ConfigurationError("\n".join(faults))


def material_of(heard: HeardItems, classes: Sequence[str] = SENTIMENTS) -> AcousticMaterial:
    labels = np.asarray([classes.index(item.label) for item in heard.items])
    groups = [item.group for item in heard.items]
    return AcousticMaterial(heard.values, labels, groups, voices=[item.voice for item in heard.items])


def spool_reader(decode: Callable[[Path, Path], Sequence[Path]]) -> ReadAudio:
    """A ReadAudio from a decoder that writes raw float32 channels into a folder; keeps the last recording."""
    last: dict[Path, list[Samples]] = {}

    def read(path: Path, channel: int | None) -> Samples:
        if path not in last:
            last.clear()
            with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
                last[path] = [np.fromfile(one, dtype="<f4") for one in decode(path, Path(folder))]
        channels = last[path]
        if channel is None and len(channels) > 1:
            raise ValueError(f"{path.name} has {len(channels)} channels; name one in a column `channel` (from 0)")
        if (channel or 0) >= len(channels):
            raise ValueError(f"{path.name} has {len(channels)} channels, channel {channel} is not there")
        return channels[channel or 0]

    return read


def _svm(choice: Choice, _seed: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(), SVC(C=choice["C"], gamma="scale", class_weight="balanced"))


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
        choices=tuple({"C": c} for c in (0.5, 1.0, 2.0)),
        build=_svm,
        balanced=True,
    ),
    "forest": Recipe(
        name="random forest",
        choices=tuple({"trees": 200, "max_features": share, "min_samples_leaf": 2} for share in (0.05, 0.15)),
        build=_forest,
        balanced=True,
    ),
}
