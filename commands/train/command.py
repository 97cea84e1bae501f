"""`run.py train text|acoustic|fusion|topics`: from labels to a model folder that config.yaml points to."""

from __future__ import annotations

import difflib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from commands.options import DEFAULT_CONFIG, ConfigOption, SetOption
from commands.train.requests import LabelRequest, run_train, tell

HELP = """Train a model on your own labels.

Groups (speakers or calls) are never on both sides of a split; hyper-parameters and calibration are found inside the
folds; the same input gives the same model. The output folder holds the model, its card, a report in HTML and the
held-out answers; name it in config.yaml to use it.

Kinds and their columns:

\b
  acoustic: sentiment from the voice: path, label, group; optionally start_s, end_s, channel
  text: sentiment from the words: text, label, group; optionally role, before (what the other side had said)
  topics: topics from the words: text, label (any), group
  fusion: words and voice joined: text, path, label, group; optionally role, start_s, end_s, channel

Examples:

\b
  python run.py train acoustic --labels clips.csv --group-by speaker --model svm --out models/client_voice
  python run.py train text --labels turns.csv --group-by call_id --out models/words
  python run.py train topics --labels questions.csv --label-column intent --group-by item --out models/topics
  python run.py train fusion --labels chunks.csv --group-by call_id --out models/fusion
"""


class TrainKind(StrEnum):
    """See `analysis.training.train.KINDS`, which is too heavy to import for a list of names."""

    ACOUSTIC = "acoustic"
    TEXT = "text"
    TOPICS = "topics"
    FUSION = "fusion"


def _kind(text: str) -> TrainKind:
    try:
        return TrainKind(text)
    except ValueError:
        close = difflib.get_close_matches(text, list(TrainKind), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise typer.BadParameter(f"'{text}' is not one of {', '.join(TrainKind)}{hint}") from None


LabelsOption = Annotated[Path, typer.Option("--labels", help="CSV with a header, UTF-8.", metavar="FILE.csv")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the model; new, or --overwrite.", metavar="DIR")]
LabelOption = Annotated[str, typer.Option("--label-column", help="Column of the label.")]
TextOption = Annotated[str, typer.Option("--text-column", help="Column of the words.")]
AudioOption = Annotated[str, typer.Option("--audio-column", help="Column of the recording's path.")]
GroupOption = Annotated[
    str, typer.Option("--group-by", help="Column of the speaker or call; `item` if every item is its own group.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--label-map", help="Label as written = label meant; `-` leaves it out.", metavar="anger=negative"),
]
FoldsOption = Annotated[int, typer.Option("--folds", min=2, help="Outer folds.")]
LeaveOption = Annotated[bool, typer.Option("--leave-one-group-out", help="One fold per group instead of --folds.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of splits, forests and bootstrap.")]
LicenceOption = Annotated[str, typer.Option("--licence", help="Licence of the labelled data, for the card.")]
TitleOption = Annotated[str | None, typer.Option("--title", help="Title of the model, for the card.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is in --out.")]
LimitOption = Annotated[
    list[str] | None, typer.Option("--limit-note", help="A sentence for the card on what the model cannot do.")
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="acoustic: svm (meant for clients) or forest (for agents); text: words, cues or encoder (English), "
        "vectors (the encoder's languages), plain (any). The first where none is named.",
    ),
]
LanguageOption = Annotated[
    list[str] | None, typer.Option("--language", help="text, topics: ISO 639-1 code; may be repeated.  [default: en]")
]
WordsOption = Annotated[
    Path | None,
    typer.Option(
        "--words-held-out", help="fusion: held_out.csv of `train text` on the same labels, instead of asking."
    ),
]
VoiceOption = Annotated[
    Path | None,
    typer.Option("--voice-held-out", help="fusion: held_out.csv of `train acoustic` on the same labels."),
]


NeutralOption = Annotated[
    Path | None,
    typer.Option(
        "--neutral",
        help="text: CSV of further lines (column text; optionally role) that are learned from as neutral.",
        metavar="FILE.csv",
    ),
]
NeutralItemsOption = Annotated[
    int, typer.Option("--neutral-items", min=1, help="text: at most so many of them, drawn by the seed.")
]


def train(  # noqa: PLR0917 - typer calls it by name
    kind: Annotated[TrainKind, typer.Argument(help="What to train.", parser=_kind, metavar="|".join(TrainKind))],
    labels: LabelsOption,
    out: OutOption,
    model: ModelOption = None,
    language: LanguageOption = None,
    label_column: LabelOption = "label",
    text_column: TextOption = "text",
    audio_column: AudioOption = "path",
    neutral: NeutralOption = None,
    neutral_items: NeutralItemsOption = 800,
    words_held_out: WordsOption = None,
    voice_held_out: VoiceOption = None,
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
    """Train one kind of model and report the result."""
    request = LabelRequest(
        labels=labels,
        label_column=label_column,
        text_column=text_column,
        audio_column=audio_column,
        words_held_out=words_held_out,
        voice_held_out=voice_held_out,
        group_by=group_by,
        label_map=label_map or (),
        seed=seed,
        config=config,
        overrides=overrides or (),
    )
    outcome = run_train(
        kind.value,
        request,
        out=out,
        model=model,
        languages=language or ("en",),
        neutral=neutral,
        neutral_items=neutral_items,
        folds=None if leave_one_group_out else folds,
        licence=licence,
        title=title,
        overwrite=overwrite,
        limits=limit_note or (),
    )
    tell(outcome)
