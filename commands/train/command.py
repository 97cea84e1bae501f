"""`run.py train text|acoustic|fusion|topics`: from labels to a model folder that config.yaml points to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.train.requests import (
    DEFAULT_CONFIG,
    TrainRequest,
    run_train_acoustic,
    run_train_fusion,
    run_train_text,
    run_train_topics,
    tell,
)

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
    tell(run_train_topics(request, language or ("en",)), ["topics.trained.model_dir"])


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
