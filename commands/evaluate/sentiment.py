"""`run.py evaluate sentiment`: words, voice and both side by side on your labels."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from commands.options import DEFAULT_CONFIG, ConfigOption, JsonOption, SetOption
from commands.terminal import say, say_json
from commands.train.command import (
    AudioOption,
    GroupOption,
    LabelOption,
    LabelsOption,
    MapOption,
    SeedOption,
    TextOption,
    VoiceOption,
    WordsOption,
)
from commands.train.requests import LabelRequest, audio_reader

if TYPE_CHECKING:
    from analysis.training.judging.evaluation import Evaluation
    from analysis.training.judging.measures import Scores


def run_evaluate_sentiment(request: LabelRequest) -> Evaluation:
    """Ask the configured engines. Rows may have words, a recording, or both.

    Raises ConfigurationError for bad labels, with row numbers, or when there is nothing to judge.
    """
    from analysis.encoder.choice import open_encoder
    from analysis.training.judging.engine_answers import judge_both
    from analysis.training.judging.evaluation import evaluate_sentiment
    from pipeline.errors import ConfigurationError

    settings = request.settings()
    sides = judge_both(
        request.file(),
        settings.sentiment,
        audio_reader(settings),
        encoder=open_encoder(settings.encoder),
        words_held_out=request.words_held_out,
        voice_held_out=request.voice_held_out,
        needs=(),
    )
    if not any(sides.words) and not any(sides.voice):
        raise ConfigurationError(f"{request.labels}: no row has words or a recording that could be judged")
    return evaluate_sentiment(sides, settings.sentiment, request.seed)


def evaluation_text(evaluation: Evaluation) -> str:
    """A table for a person."""
    lines = [f"{'':6} {'items':>6} {'groups':>6}  {'UAR':22} {'macro-F1':22} {'Brier':22} ECE"]
    for name in ("words", "voice", "fused"):
        scores = getattr(evaluation, name)
        lines.append(f"{name:6} {'no values' if scores is None else _figures(scores)}")
    return "\n".join([*lines, *evaluation.notes, evaluation.verdict])


def _figures(scores: Scores) -> str:
    ece = "-" if scores.calibration_error is None else f"{scores.calibration_error:.4f}"
    return f"{scores.items:6} {scores.groups:6}  {scores.recall!s:22} {scores.macro_f1!s:22} {scores.brier!s:22} {ece}"


def sentiment_command(  # noqa: PLR0917 - typer calls it by name
    labels: LabelsOption,
    label_column: LabelOption = "label",
    text_column: TextOption = "text",
    audio_column: AudioOption = "path",
    group_by: GroupOption = "group",
    label_map: MapOption = None,
    words_held_out: WordsOption = None,
    voice_held_out: VoiceOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Text, acoustic and fused sentiment on labelled items, with 95 % intervals; says when fusion does not help."""
    request = LabelRequest(
        labels=labels,
        label_column=label_column,
        text_column=text_column,
        audio_column=audio_column,
        group_by=group_by,
        label_map=label_map or (),
        words_held_out=words_held_out,
        voice_held_out=voice_held_out,
        seed=seed,
        config=config,
        overrides=overrides or (),
    )
    evaluation = run_evaluate_sentiment(request)
    if as_json:
        say_json(asdict(evaluation))
    else:
        say(evaluation_text(evaluation))
