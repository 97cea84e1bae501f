"""Moods from the words: lines of our own that no model was trained on, with the labels a person would accept.

    python -m bench.mood_lines [--set first|seen|aside|border] [--show]

`first` is `bench/labels/mood_lines.jsonl`; `seen` and `aside` are `mood_further_*.jsonl`, of which the second was only
measured with; `border` is `mood_border_aside.jsonl`: lines on the border between moods, of two writers whose other
lines were trained on (`bench.mood_writers` leaves a writer out). A line is judged by itself or, where it has `before`,
with what it answers. Lines that stand in the training sentences word for word are left out and counted. Shares have
their 95 % interval (Wilson 1927).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.encoder.choice import open_encoder
from analysis.records import Sentiment
from analysis.sentiment.lines import SpokenLine
from analysis.sentiment.text_trained import TrainedTextSentiment
from bench.options import PROJECT, options_of
from bench.shares import share
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.records import Role

LABELS = PROJECT / "bench" / "labels"
SETS = {
    "first": LABELS / "mood_lines.jsonl",
    "seen": LABELS / "mood_further_seen.jsonl",
    "aside": LABELS / "mood_further_aside.jsonl",
    "border": LABELS / "mood_border_aside.jsonl",
}
SENTENCES = PROJECT / "analysis" / "sentiment" / "shipped" / "mood_sentences.csv"
NEGATIVE = "negative"


def plain(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def trained_on() -> set[tuple[str, str]]:
    """Text and what was said before it."""
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        return {(plain(row["text"]), plain(row["before"])) for row in csv.DictReader(file)}


def labelled_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def counted(lines: Sequence[Mapping[str, Any]], moods: Sequence[Sentiment]) -> str:
    """Lines whose label is accepted; calm ones, on which negative is wrong; those on which only negative is right."""
    labels = [mood.label.value for mood in moods]
    right = sum(label in line["accept"] for line, label in zip(lines, labels, strict=True))
    calm = [label for line, label in zip(lines, labels, strict=True) if NEGATIVE not in line["accept"]]
    bad = [label for line, label in zip(lines, labels, strict=True) if line["accept"] == [NEGATIVE]]
    return (
        f"accepted {share(right, len(lines))}; calm called negative {share(calm.count(NEGATIVE), len(calm))}; "
        f"negative found {share(bad.count(NEGATIVE), len(bad))}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options_of(__doc__)
    parser.add_argument("--set", choices=list(SETS), action="append")
    parser.add_argument("--model", default="shipped", help="folder of another model")
    parser.add_argument("--show", action="store_true", help="print the lines judged as nobody would")
    chosen = parser.parse_args(arguments)
    engine = TrainedTextSentiment(chosen.model, encoder=open_encoder(EncoderSettings()))
    known = trained_on()
    for name in chosen.set or SETS:
        every = labelled_lines(SETS[name])
        lines = [line for line in every if (plain(line["text"]), plain(line.get("before", ""))) not in known]
        spoken = [SpokenLine(text=x["text"], role=Role(x["role"]), before=x.get("before")) for x in lines]
        moods = engine.predict(spoken)
        print(f"{name:6} {counted(lines, moods)}; left out, trained on: {len(every) - len(lines)}")
        for line, mood in zip(lines, moods, strict=True):
            if chosen.show and mood.label.value not in line["accept"]:
                print(f"{mood.label.value} {mood.negative:.2f} {mood.positive:.2f}: {line}")


if __name__ == "__main__":
    main()
