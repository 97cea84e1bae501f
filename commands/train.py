"""`run.py train text|acoustic|fusion|topics`: from labels to a model folder that config.yaml points to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from analysis.training.acoustic import ReadAudio
    from analysis.training.jobs import TrainingOptions, TrainingOutcome
    from analysis.training.labels import LabelColumns
    from pipeline.config.root import Settings

_HELP = """Train a model on your own labels.

Groups (speakers or calls) are never on both sides of a split; hyper-parameters and calibration are found inside the
folds; the same input gives the same model. The folder that comes out holds the model, its card, a report in HTML and
the held-out answers; name it in config.yaml to use it.

[bold]Examples[/bold]

  python run.py train acoustic --labels clips.csv --group-by speaker --model svm --out models/client_voice

  python run.py train text --labels turns.csv --group-by call_id --out models/words

  python run.py train topics --labels questions.csv --label-column intent --group-by item --out models/topics

  python run.py train fusion --labels chunks.csv --group-by call_id --out models/fusion
"""

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@app.callback(help=_HELP)
def train() -> None:
    """Holds the kinds of training together."""


LabelsOption = Annotated[Path, typer.Option("--labels", help="CSV with a header, UTF-8.", metavar="FILE.csv")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the model; new, or --overwrite.", metavar="DIR")]
LabelOption = Annotated[str, typer.Option("--label-column", help="Column of the label.")]
TextOption = Annotated[str, typer.Option("--text-column", help="Column of the words.")]
AudioOption = Annotated[str, typer.Option("--audio-column", help="Column of the recording's path.")]
GroupOption = Annotated[
    str, typer.Option("--group-by", help="Column of the speaker or call; `item` where every item stands alone.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--label-map", help="Label as written = label meant; `-` leaves it out.", metavar="anger=negative"),
]
FoldsOption = Annotated[int, typer.Option("--folds", min=2, help="Outer folds.")]
LeaveOption = Annotated[bool, typer.Option("--leave-one-group-out", help="One fold per group instead of --folds.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Of splits, forests and bootstrap.")]
LicenceOption = Annotated[str, typer.Option("--licence", help="Of the labelled data; goes onto the card.")]
TitleOption = Annotated[str | None, typer.Option("--title", help="Of the model; goes onto the card.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is in --out.")]
LimitOption = Annotated[
    list[str] | None, typer.Option("--limit-note", help="A sentence for the card on what the model cannot do.")
]
ConfigOption = Annotated[
    Path, typer.Option("--config", help="Names the model in use, to compare with.", metavar="FILE")
]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Override one key.", metavar="KEY.PATH=VALUE")]


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
        from analysis.training.labels import LabelColumns

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
    from analysis.training.acoustic import spool_reader
    from pipeline.audio.ingest import ingest

    def decode(path: Path, folder: Path) -> Sequence[Path]:
        return ingest(path, folder, settings.audio).paths

    return spool_reader(decode)


def tell(outcome: TrainingOutcome, keys: Sequence[str]) -> None:
    """The result for a person."""
    scores = outcome.scores
    ece = "" if scores.calibration_error is None else f", calibration error {scores.calibration_error:.4f}"
    typer.echo(
        f"UAR {scores.recall}, macro-F1 {scores.macro_f1}, Brier {scores.brier}{ece} "
        f"({scores.items} items, {scores.groups} groups, held out)"
    )
    typer.echo(outcome.note)
    typer.echo(f"written to {outcome.folder}; look at {outcome.folder / 'report.html'}")
    for key in keys:
        typer.echo(f"to use it: {key}: {outcome.folder}")


def run_train_acoustic(request: TrainRequest, model: str) -> TrainingOutcome:
    """Train an SVM or a forest on recordings. Raises ConfigurationError for bad labels, with row numbers."""
    from analysis.sentiment.acoustic import SHIPPED_AGENT, SHIPPED_CLIENT
    from analysis.sentiment.shipped_models import model_folder
    from analysis.training.sentiment_jobs import train_acoustic

    settings = request.settings()
    acoustic = settings.sentiment.acoustic
    configured = (acoustic.client_model, SHIPPED_CLIENT) if model == "svm" else (acoustic.agent_model, SHIPPED_AGENT)
    in_use = model_folder(*configured)
    return train_acoustic(
        request.labels,
        request.options(f"Acoustic sentiment ({model}) from {request.labels.name}"),
        model=model,
        read_audio=audio_reader(settings),
        columns=request.columns(),
        label_map=request.mapping(),
        in_use=in_use if in_use.exists() and in_use.resolve() != request.out.resolve() else None,
        trusted=settings.sentiment.trusted_models,
        prior_chunks=acoustic.prior_chunks,
        limits=request.limit_notes,
        say=typer.echo,
    )


def run_train_text(request: TrainRequest, model: str, languages: Sequence[str] = ("en",)) -> TrainingOutcome:
    """Train on texts. Raises ConfigurationError for bad labels, with row numbers."""
    from analysis.sentiment.shipped_models import model_folder
    from analysis.sentiment.text import build_text_engines
    from analysis.sentiment.text_trained import SHIPPED_TEXT
    from analysis.training.text_jobs import train_text
    from pipeline.config.sentiment import TextEngine
    from pipeline.records import Role

    sentiment = request.settings().sentiment
    folder = model_folder(sentiment.text.sklearn.client_model, SHIPPED_TEXT)
    trained = sentiment.text.engine is TextEngine.SKLEARN
    replaced = trained and folder.resolve() == request.out.resolve()
    engine = None if replaced else build_text_engines(sentiment).get(Role.CLIENT)
    known = engine is not None and (engine.languages is None or set(languages) <= engine.languages)
    return train_text(
        request.labels,
        request.options(f"Text sentiment ({model}) from {request.labels.name}"),
        model=model,
        columns=request.columns(),
        label_map=request.mapping(),
        languages=languages,
        in_use=(f"{engine.name} {engine.model}", engine.predict) if engine is not None and known else None,
        in_use_folder=folder if trained and folder.is_dir() and not replaced else None,
        limits=request.limit_notes,
        say=typer.echo,
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
        say=typer.echo,
    )


def run_train_fusion(
    request: TrainRequest, words_held_out: Path | None = None, voice_held_out: Path | None = None
) -> TrainingOutcome:
    """Train the second stage. Raises ConfigurationError where a side's model was trained on these very labels."""
    from analysis.sentiment.fusion import build_fusion
    from analysis.training.fusion import train_fusion
    from analysis.training.judge import judge_both
    from pipeline.config.sentiment import FusionMethod
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
        unseen_only=True,
    )
    fusion = build_fusion(chosen)
    assert fusion is not None
    return train_fusion(
        sides,
        request.options(f"Fusion from {request.labels.name}"),
        in_use=(fusion.name, lambda words, voice, role: fusion.join(words, voice, Role(role))),
        limits=request.limit_notes,
        say=typer.echo,
    )


@app.command("acoustic")
def acoustic_command(  # noqa: PLR0917 - typer calls it by name
    labels: LabelsOption,
    out: OutOption,
    model: Annotated[str, typer.Option("--model", help="svm (meant for clients) or forest (for agents).")] = "svm",
    label_column: LabelOption = "label",
    audio_column: AudioOption = "path",
    group_by: GroupOption = "group",
    label_map: MapOption = None,
    folds: FoldsOption = 5,
    leave_one_group_out: LeaveOption = False,
    seed: SeedOption = 0,
    licence: LicenceOption = "not stated",
    title: TitleOption = None,
    overwrite: OverwriteOption = False,
    limit_note: LimitOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Sentiment from the voice: columns path, label, group; optionally start_s, end_s, channel."""
    request = TrainRequest(
        labels=labels,
        out=out,
        label_column=label_column,
        audio_column=audio_column,
        group_by=group_by,
        label_map=label_map or (),
        folds=None if leave_one_group_out else folds,
        seed=seed,
        licence=licence,
        title=title,
        overwrite=overwrite,
        limit_notes=limit_note or (),
        config=config,
        overrides=overrides or (),
    )
    side = "client_model" if model == "svm" else "agent_model"
    tell(run_train_acoustic(request, model), [f"sentiment.acoustic.{side}"])


@app.command("text")
def text_command(  # noqa: PLR0917 - typer calls it by name
    labels: LabelsOption,
    out: OutOption,
    model: Annotated[str, typer.Option("--model", help="words or cues (English), plain (any language).")] = "words",
    language: Annotated[list[str] | None, typer.Option("--language", help="ISO 639-1 code; may be repeated.")] = None,
    label_column: LabelOption = "label",
    text_column: TextOption = "text",
    group_by: GroupOption = "group",
    label_map: MapOption = None,
    folds: FoldsOption = 5,
    leave_one_group_out: LeaveOption = False,
    seed: SeedOption = 0,
    licence: LicenceOption = "not stated",
    title: TitleOption = None,
    overwrite: OverwriteOption = False,
    limit_note: LimitOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Sentiment from the words: columns text, label, group."""
    request = TrainRequest(
        labels=labels,
        out=out,
        label_column=label_column,
        text_column=text_column,
        group_by=group_by,
        label_map=label_map or (),
        folds=None if leave_one_group_out else folds,
        seed=seed,
        licence=licence,
        title=title,
        overwrite=overwrite,
        limit_notes=limit_note or (),
        config=config,
        overrides=overrides or (),
    )
    outcome = run_train_text(request, model, language or ("en",))
    tell(outcome, [f"sentiment.text.sklearn.{role}_model" for role in ("agent", "client")])


@app.command("topics")
def topics_command(  # noqa: PLR0917 - typer calls it by name
    labels: LabelsOption,
    out: OutOption,
    language: Annotated[list[str] | None, typer.Option("--language", help="ISO 639-1 code; may be repeated.")] = None,
    label_column: LabelOption = "label",
    text_column: TextOption = "text",
    group_by: GroupOption = "group",
    label_map: MapOption = None,
    folds: FoldsOption = 5,
    leave_one_group_out: LeaveOption = False,
    seed: SeedOption = 0,
    licence: LicenceOption = "not stated",
    title: TitleOption = None,
    overwrite: OverwriteOption = False,
    limit_note: LimitOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Topics from the words: columns text, label (any), group."""
    request = TrainRequest(
        labels=labels,
        out=out,
        label_column=label_column,
        text_column=text_column,
        group_by=group_by,
        label_map=label_map or (),
        folds=None if leave_one_group_out else folds,
        seed=seed,
        licence=licence,
        title=title,
        overwrite=overwrite,
        limit_notes=limit_note or (),
        config=config,
        overrides=overrides or (),
    )
    tell(run_train_topics(request, language or ("en",)), ["the topic classifier's model folder"])


@app.command("fusion")
def fusion_command(  # noqa: PLR0917 - typer calls it by name
    labels: LabelsOption,
    out: OutOption,
    label_column: LabelOption = "label",
    text_column: TextOption = "text",
    audio_column: AudioOption = "path",
    words_held_out: Annotated[
        Path | None, typer.Option("--words-held-out", help="held_out.csv of `train text` on the same labels.")
    ] = None,
    voice_held_out: Annotated[
        Path | None, typer.Option("--voice-held-out", help="held_out.csv of `train acoustic` on the same labels.")
    ] = None,
    group_by: GroupOption = "group",
    label_map: MapOption = None,
    folds: FoldsOption = 5,
    leave_one_group_out: LeaveOption = False,
    seed: SeedOption = 0,
    licence: LicenceOption = "not stated",
    title: TitleOption = None,
    overwrite: OverwriteOption = False,
    limit_note: LimitOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Words and voice joined: columns text, path, label, group; optionally role, start_s, end_s, channel."""
    request = TrainRequest(
        labels=labels,
        out=out,
        label_column=label_column,
        text_column=text_column,
        audio_column=audio_column,
        group_by=group_by,
        label_map=label_map or (),
        folds=None if leave_one_group_out else folds,
        seed=seed,
        licence=licence,
        title=title,
        overwrite=overwrite,
        limit_notes=limit_note or (),
        config=config,
        overrides=overrides or (),
    )
    outcome = run_train_fusion(request, words_held_out, voice_held_out)
    tell(outcome, [f"sentiment.fusion.{role}_model" for role in ("agent", "client")])
