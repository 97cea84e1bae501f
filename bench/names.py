"""Glossaries of nothing but names: our topics against the plain encoder, which takes the name of the nearest vector.

    python -m bench.names [--data ../shared/data] [--questions 2000]

The intents of banking77, halved as `bench.topics` halves them, twenty of each half withheld in five draws; every second
service dialogue's first turn, a third of the services withheld; and our own names (`bench/labels/names.txt`). Told are:
the likeliest label right; right and given, and left without a topic, at `topics.min_confidence`; right and given where
0.80 of what is asked about something else is left, both by confidence and by the plain cosine. Shares have their 95 %
interval (Wilson 1927).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import EncoderChoice
from analysis.glossary.catalogue import Glossary
from analysis.glossary.reader import load_glossary
from analysis.topics.likeness import words_of
from bench.materials.banking77 import Question, developed_intents, questions
from bench.materials.names import half_of_names, names_glossary
from bench.materials.service_dialogues import first_turns
from bench.materials.topic_glossaries import BANKING77, SERVICES
from bench.topics import DRAWS, Answer, ask_all, scope_figures, share, withheld, without_labels
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import TopicSettings

LEFT = 0.8
Asked = tuple[Glossary, Sequence[Question]]


def nearest_names(asked: Sequence[Question], glossary: Glossary, encoder: EncoderChoice) -> list[Answer]:
    """The label whose name is nearest to the question; its cosine is the confidence."""
    if encoder.encoder is None:
        raise ValueError(f"no sentence encoder: {encoder.reason}")
    names = [label.topic for label in glossary.topics]
    said, named = [question.text for question in asked], [words_of(name) for name in names]
    cosines = encoder.encoder.encode(said) @ encoder.encoder.encode(named).T
    best = cosines.argmax(axis=1)
    return [
        Answer(
            names[best_column], float(row[best_column]), names[best_column] == question.intent, question.intent in names
        )
        for row, best_column, question in zip(cosines, best, asked, strict=True)
    ]


def right_where_left(answers: Sequence[Answer], left: float = LEFT) -> dict[str, Any]:
    """Right and given, at the confidence that leaves that share of the questions about something else."""
    inside = [answer for answer in answers if answer.in_scope]
    outside = [answer.confidence for answer in answers if not answer.in_scope]
    least = float(np.quantile(outside, left))
    right = sum(answer.right and answer.confidence > least for answer in inside)
    return {"at": round(least, 3), **share(right, len(inside))}


def bare(glossary: Glossary) -> Glossary:
    labels = (replace(label, keywords=(), definition="", examples=()) for label in glossary.labels)
    return replace(glossary, labels=tuple(labels))


def sets_of(data: Path, most: int | None) -> Iterator[tuple[str, list[Asked]]]:
    banking, services = bare(load_glossary(BANKING77)), bare(load_glossary(SERVICES))
    developed = developed_intents(banking)
    asked = questions(data)[:: 1 if most is None else max(1, 10_003 // most)]
    apart = {label.topic for label in banking.topics} - developed
    for name, half in (("developed", developed), ("apart", frozenset(apart))):
        own = [question for question in asked if question.intent in half]
        yield (
            f"banking77 {name}",
            [(without_labels(banking, withheld(sorted(half), draw)), own[draw::DRAWS]) for draw in range(DRAWS)],
        )
    turns = first_turns(data)[1::2]
    thirds = [frozenset(label.topic for label in services.topics[part::3]) for part in range(3)]
    yield "services apart", [(without_labels(services, third), turns) for third in thirds]


def figures(asked: Sequence[Asked], encoder: EncoderChoice) -> dict[str, Any]:
    ours = [answer for glossary, own in asked for answer in ask_all(own, glossary, encoder)]
    plain = [answer for glossary, own in asked for answer in nearest_names(own, glossary, encoder)]
    at_default = scope_figures(ours, TopicSettings().min_confidence)
    return {
        "likeliest": at_default["likeliest_right"],
        "plain_likeliest": scope_figures(plain, 0.0)["likeliest_right"],
        "at_default": at_default["accuracy"],
        "left_at_default": at_default["without"],
        "where_0.80_are_left": right_where_left(ours),
        "plain_where_0.80_are_left": right_where_left(plain),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--questions", type=int, default=None, help="at most about so many of banking77")
    arguments = parser.parse_args()
    encoder = open_encoder(EncoderSettings(cached_texts=30_000))
    if encoder.encoder is None:
        print(json.dumps({"skipped": f"no sentence encoder: {encoder.reason}"}))
        return
    found: dict[str, Any] = {}
    for half, name in enumerate(("our names developed", "our names apart")):
        found[name] = figures([(names_glossary(), half_of_names(half))], encoder)
    if arguments.data.is_dir():
        for name, asked in sets_of(arguments.data, arguments.questions):
            found[name] = figures(asked, encoder)
    for name, values in found.items():
        print(f"{name}: {json.dumps(values)}")


if __name__ == "__main__":
    main()
