"""Moods from the words of people whose lines were not trained on: each writer is left out in turn.

    python -m bench.mood_writers [--data DIR]

The shipped model was trained on lines of seven people who wrote independently of the program and of one another, too
(groups `strangers …` of `mood_sentences.csv`). For each a model of the same recipe and seed is fitted on everything but
this person's lines and asked for them as the shipped one is. Some ten minutes of processor time. Shares have their 95 %
interval (Wilson 1927).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import EncoderChoice
from analysis.model_folder import LoadedModel
from analysis.records import Sentiment
from analysis.sentiment.encoded_lines import HeardLine, hear_lines
from analysis.sentiment.lines import SpokenLine
from analysis.sentiment.text_trained import TrainedTextSentiment
from analysis.training.attention import AttentionClassifier
from analysis.training.labelled.labels import SENTIMENTS
from analysis.training.labelled.neutral import read_neutral
from bench.mood_lines import LABELS, SENTENCES, counted, labelled_lines
from bench.options import options_of
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.records import Role

STRANGERS = "strangers"
NEUTRAL_TALK = 800
Line = Mapping[str, Any]


class _FittedHere(TrainedTextSentiment):
    """The shipped engine with another model of its recipe."""

    def __init__(self, model: AttentionClassifier, encoder: EncoderChoice) -> None:
        super().__init__("shipped", encoder=encoder)
        self._loaded = LoadedModel(model.numbers(), self._model.card)


def spoken(line: Line) -> SpokenLine:
    return SpokenLine(text=line["text"], role=Role(line["role"]), before=line.get("before") or None)


def lines_of_writers(sentences: Sequence[Line]) -> dict[str, list[Line]]:
    """What each is asked, with all labels that are accepted. Of the first five this is every line they wrote."""
    first: list[Line] = [
        *labelled_lines(LABELS / "mood_fresh.jsonl"),
        *labelled_lines(LABELS / "mood_fresh_fourth.jsonl"),
    ]
    names = sorted({line["group"] for line in sentences if line["group"].startswith(STRANGERS)})
    hundreds = ("first", "second", "third", "fourth", "fifth")
    asked: dict[str, list[Line]] = {
        f"{STRANGERS} {name}": first[100 * number : 100 * number + 100] for number, name in enumerate(hundreds)
    }
    for name in set(names) - asked.keys():
        asked[name] = [{**line, "accept": [line["label"]]} for line in sentences if line["group"] == name]
    return asked


def fitted_without(writer: str, sentences: Sequence[Line], heard: Sequence[HeardLine]) -> AttentionClassifier:
    """`heard`: the sentences, then neutral talk."""
    labels = [SENTIMENTS.index(line["label"]) for line in sentences]
    labels += [SENTIMENTS.index("neutral")] * (len(heard) - len(sentences))
    kept = [number for number in range(len(heard)) if number >= len(sentences) or sentences[number]["group"] != writer]
    return AttentionClassifier().fit([heard[number] for number in kept], np.asarray(labels)[kept])


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = options_of(__doc__, data=True).parse_args(arguments)
    choice = open_encoder(EncoderSettings())
    if choice.encoder is None:
        raise SystemExit(f"a sentence encoder is needed: {choice.reason}")
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        sentences = list(csv.DictReader(file))
    talk = read_neutral(chosen.data / "text" / "service_dialogues.csv", NEUTRAL_TALK, 0)
    heard = hear_lines([*map(spoken, sentences), *talk], choice.encoder)
    lines: list[Line] = []
    moods: list[Sentiment] = []
    for writer, asked in sorted(lines_of_writers(sentences).items()):
        engine = _FittedHere(fitted_without(writer, sentences, heard), choice)
        found = engine.predict([spoken(line) for line in asked])
        print(f"{writer:18} {counted(asked, found)}", flush=True)
        lines += asked
        moods += found
    print(f"{'all':18} {counted(lines, moods)}")


if __name__ == "__main__":
    main()
