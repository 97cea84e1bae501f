"""Requests for training and evaluation; `commands/train/command.py` is the command line for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def audio_reader(settings: Settings) -> ReadAudio:
    """Decodes recordings as a run does."""
    from analysis.training.labelled.recordings import spool_reader
    from pipeline.audio.decoding.ingest import ingest

    def decode(path: Path, folder: Path) -> Sequence[Path]:
        return ingest(path, folder, settings.audio).paths

    return spool_reader(decode)


def run_train(kind: str, request: LabelRequest, *, out: Path, **asked: Any) -> TrainingOutcome:
    """Train one kind of model. Raises ConfigurationError for bad labels, with row numbers.

    Args:
        out: folder for the model.
        asked: further fields of `analysis.training.task.TrainingRequest`.
    """
    from analysis.training.task import TrainingRequest
    from analysis.training.train import train

    settings = request.settings()
    wanted = TrainingRequest(
        labels=request.file(),
        out=out,
        settings=settings,
        read_audio=audio_reader(settings),
        words_held_out=request.words_held_out,
        voice_held_out=request.voice_held_out,
        seed=request.seed,
        **asked,
    )
    return train(kind, wanted, say)


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
