"""What training is asked for, and its running; `commands/train/command.py` is the command line in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from commands.terminal import say

if TYPE_CHECKING:
    from analysis.records import Sentiment
    from analysis.training.jobs import TrainingOptions, TrainingOutcome
    from analysis.training.kinds.acoustic import ReadAudio
    from analysis.training.labelled.labels import LabelColumns
    from pipeline.config.root import Settings

DEFAULT_CONFIG = Path("config.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What all kinds of training are asked for."""

    labels: Path
    out: Path
    label_column: str = "label"
    text_column: str = "text"
    audio_column: str = "path"
    group_by: str = "group"
    label_map: Sequence[str] = ()
    folds: int | None = 5
    seed: int = 0
    licence: str = "not stated"
    title: str | None = None
    overwrite: bool = False
    limit_notes: Sequence[str] = ()
    config: Path = DEFAULT_CONFIG
    overrides: Sequence[str] = ()

    def columns(self) -> LabelColumns:
        from analysis.training.labelled.labels import LabelColumns

        return LabelColumns(
            text=self.text_column,
            audio=self.audio_column,
            label=self.label_column,
            group=None if self.group_by == "item" else self.group_by,
        )

    def mapping(self) -> dict[str, str]:
        """Raises ConfigurationError for an entry without `=`."""
        from pipeline.errors import ConfigurationError

        for entry in self.label_map:
            if "=" not in entry:
                raise ConfigurationError(f"--label-map {entry}: write written=meant, as in anger=negative")
        return dict((part.strip() for part in entry.split("=", 1)) for entry in self.label_map)  # type: ignore[misc]

    def options(self, title: str) -> TrainingOptions:
        from analysis.training.jobs import TrainingOptions

        return TrainingOptions(
            out=self.out,
            title=self.title or title,
            licence=self.licence,
            folds=self.folds,
            seed=self.seed,
            overwrite=self.overwrite,
        )

    def settings(self) -> Settings:
        from pipeline.config.loader import load_settings

        # Training needs no config.yaml; one that was named must be there.
        absent = self.config == DEFAULT_CONFIG and not self.config.exists()
        return load_settings(None if absent else self.config, self.overrides).settings


def audio_reader(settings: Settings) -> ReadAudio:
    """Decodes recordings as a run does."""
    from analysis.training.kinds.acoustic import spool_reader
    from pipeline.audio.decoding.ingest import ingest

    def decode(path: Path, folder: Path) -> Sequence[Path]:
        return ingest(path, folder, settings.audio).paths

    return spool_reader(decode)


def tell(outcome: TrainingOutcome, keys: Sequence[str]) -> None:
    """The result for a person."""
    scores = outcome.scores
    ece = "" if scores.calibration_error is None else f", calibration error {scores.calibration_error:.4f}"
    say(
        f"UAR {scores.recall}, macro-F1 {scores.macro_f1}, Brier {scores.brier}{ece} "
        f"({scores.items} items, {scores.groups} groups, held out)"
    )
    say(outcome.note)
    say(f"written to {outcome.folder}; look at {outcome.folder / 'report.html'}")
    for key in keys:
        say(f"to use it: {key}: {outcome.folder}")


def run_train_acoustic(request: TrainRequest, model: str) -> TrainingOutcome:
    """Train an SVM or a forest on recordings. Raises ConfigurationError for bad labels, with row numbers."""
    from analysis.sentiment.acoustic import SHIPPED_AGENT, SHIPPED_CLIENT
    from analysis.sentiment.shipped_models import model_folder
    from analysis.training.sentiment_jobs import train_acoustic
    from pipeline.config.areas.sentiment import AcousticEngine

    settings = request.settings()
    acoustic = settings.sentiment.acoustic
    configured = (acoustic.client_model, SHIPPED_CLIENT) if model == "svm" else (acoustic.agent_model, SHIPPED_AGENT)
    return train_acoustic(
        request.labels,
        request.options(f"Acoustic sentiment ({model}) from {request.labels.name}"),
        model=model,
        read_audio=audio_reader(settings),
        columns=request.columns(),
        label_map=request.mapping(),
        in_use=model_folder(*configured) if acoustic.engine is not AcousticEngine.OFF else None,
        trusted=settings.sentiment.trusted_models,
        prior_chunks=acoustic.prior_chunks,
        limits=request.limit_notes,
        say=say,
    )


def run_train_text(request: TrainRequest, model: str, languages: Sequence[str] = ("en",)) -> TrainingOutcome:
    """Train on texts. Raises ConfigurationError for bad labels, with row numbers."""
    from analysis.sentiment.shipped_models import model_folder
    from analysis.sentiment.text import build_text_engines
    from analysis.sentiment.text_trained import SHIPPED_TEXT
    from analysis.training.text_jobs import train_text
    from pipeline.config.areas.sentiment import TextEngine
    from pipeline.errors import ModelUnavailable
    from pipeline.records import Role

    sentiment = request.settings().sentiment
    chosen = sentiment.text.engine
    folder = model_folder(sentiment.text.sklearn.client_model, SHIPPED_TEXT)

    def ask(texts: Sequence[str]) -> Sequence[Sentiment]:
        engine = build_text_engines(sentiment)[Role.CLIENT]
        if engine.languages is not None and not set(languages) <= engine.languages:
            raise ModelUnavailable(f"{engine.name} knows {', '.join(sorted(engine.languages))} only")
        return engine.predict(texts)

    return train_text(
        request.labels,
        request.options(f"Text sentiment ({model}) from {request.labels.name}"),
        model=model,
        columns=request.columns(),
        label_map=request.mapping(),
        languages=languages,
        in_use=None if chosen is TextEngine.OFF else (f"the {chosen.value} engine in use", ask),
        in_use_folder=folder if chosen is TextEngine.SKLEARN else None,
        limits=request.limit_notes,
        say=say,
    )


def run_train_topics(
    request: TrainRequest, languages: Sequence[str] = ("en",), in_use: Path | None = None
) -> TrainingOutcome:
    """Train a topic classifier. Raises ConfigurationError for bad labels, with row numbers."""
    from analysis.training.text_jobs import train_topics

    return train_topics(
        request.labels,
        request.options(f"Topics from {request.labels.name}"),
        columns=request.columns(),
        label_map=request.mapping(),
        languages=languages,
        in_use_folder=in_use,
        limits=request.limit_notes,
        say=say,
    )


def run_train_fusion(
    request: TrainRequest, words_held_out: Path | None = None, voice_held_out: Path | None = None
) -> TrainingOutcome:
    """Train the second stage, on answers that neither side's model was trained on."""
    from analysis.sentiment.fusion import Fusion, build_fusion
    from analysis.training.judging.engine_answers import judge_both
    from analysis.training.kinds.fusion import train_fusion
    from pipeline.config.areas.sentiment import FusionMethod
    from pipeline.records import Role

    settings = request.settings()
    fixed = settings.sentiment.fusion.model_copy(update={"method": FusionMethod.FIXED})
    chosen = settings.sentiment
    if chosen.fusion.method is FusionMethod.OFF:
        chosen = chosen.model_copy(update={"fusion": fixed})
    sides = judge_both(
        request.labels,
        chosen,
        columns=request.columns(),
        label_map=request.mapping(),
        read_audio=audio_reader(settings),
        words_held_out=words_held_out,
        voice_held_out=voice_held_out,
    )
    for note in sides.notes:
        say(note)

    built: list[Fusion] = []

    def join(words: Sentiment, voice: Sentiment, role: str) -> Sentiment:
        if not built:
            fusion = build_fusion(chosen)
            assert fusion is not None
            built.append(fusion)
        return built[0].join(words, voice, Role(role))

    learned = chosen.fusion.client_model if chosen.fusion.method is FusionMethod.LEARNED else None
    return train_fusion(
        sides,
        request.options(f"Fusion from {request.labels.name}"),
        in_use=(f"the {chosen.fusion.method.value} weights in use", join),
        in_use_folder=None if learned is None else Path(learned).expanduser(),
        limits=request.limit_notes,
        say=say,
    )
