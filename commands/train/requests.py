"""Requests for training and evaluation; `commands/train/command.py` is the command line for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commands.options import DEFAULT_CONFIG
from commands.terminal import say
from pipeline.plurals import counted

if TYPE_CHECKING:
    from analysis.training.labelled.labels import LabelFile
    from analysis.training.labelled.recordings import ReadAudio
    from analysis.training.train import TrainingOutcome
    from pipeline.config.root import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """Labels, and the configuration that names the models in use."""

    labels: Path
    label_column: str = "label"
    text_column: str = "text"
    audio_column: str = "path"
    group_by: str = "group"
    label_map: Sequence[str] = ()
    words_held_out: Path | None = None
    voice_held_out: Path | None = None
    seed: int = 0
    config: Path = DEFAULT_CONFIG
    overrides: Sequence[str] = ()

    def file(self) -> LabelFile:
        """Raises ConfigurationError for an entry of the label map without `=`."""
        from analysis.training.labelled.labels import LabelColumns, LabelFile
        from pipeline.errors import ConfigurationError

        for entry in self.label_map:
            if "=" not in entry:
                raise ConfigurationError(f"--label-map {entry}: write written=meant, as in anger=negative")
        columns = LabelColumns(
            text=self.text_column,
            audio=self.audio_column,
            label=self.label_column,
            group=None if self.group_by == "item" else self.group_by,
        )
        pairs = (entry.split("=", 1) for entry in self.label_map)
        return LabelFile(self.labels, columns, {written.strip(): meant.strip() for written, meant in pairs})

    def settings(self) -> Settings:
        from pipeline.config.loader import load_settings

        # Training needs no config.yaml, but a file that was named must exist.
        absent = self.config == DEFAULT_CONFIG and not self.config.exists()
        return load_settings(None if absent else self.config, self.overrides).settings


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest(LabelRequest):
    """The parts of a request that all kinds of training share."""

    out: Path
    model: str | None = None
    languages: Sequence[str] = ("en",)
    neutral: Path | None = None
    neutral_items: int = 800
    folds: int | None = 5
    licence: str = "not stated"
    title: str | None = None
    overwrite: bool = False
    limit_notes: Sequence[str] = ()


def audio_reader(settings: Settings) -> ReadAudio:
    """Decodes recordings as a run does."""
    from analysis.training.labelled.recordings import spool_reader
    from pipeline.audio.decoding.ingest import ingest

    def decode(path: Path, folder: Path) -> Sequence[Path]:
        return ingest(path, folder, settings.audio).paths

    return spool_reader(decode)


def run_train(kind: str, request: TrainRequest) -> TrainingOutcome:
    """Train one kind of model. Raises ConfigurationError for bad labels, with row numbers."""
    from analysis.training.task import TrainingRequest
    from analysis.training.train import train

    settings = request.settings()
    asked = TrainingRequest(
        labels=request.file(),
        out=request.out,
        settings=settings,
        read_audio=audio_reader(settings),
        model=request.model,
        languages=request.languages,
        neutral=request.neutral,
        neutral_items=request.neutral_items,
        words_held_out=request.words_held_out,
        voice_held_out=request.voice_held_out,
        title=request.title,
        licence=request.licence,
        limits=request.limit_notes,
        folds=request.folds,
        seed=request.seed,
        overwrite=request.overwrite,
    )
    return train(kind, asked, say)


def tell(outcome: TrainingOutcome) -> None:
    """The result for a person."""
    scores = outcome.scores
    ece = "" if scores.calibration_error is None else f", calibration error {scores.calibration_error:.4f}"
    say(
        f"UAR {scores.recall}, macro-F1 {scores.macro_f1}, Brier {scores.brier}{ece} "
        f"({counted(scores.items, 'item')}, {counted(scores.groups, 'group')}, held out)"
    )
    say(outcome.note)
    say(f"written to {outcome.folder}; look at {outcome.folder / 'report.html'}")
    for key in outcome.config_keys:
        say(f"to use it: {key}: {outcome.folder}")
