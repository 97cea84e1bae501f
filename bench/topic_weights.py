"""Fits the weights of topics without training, `analysis/topics/weights.json`.

    python -m bench.topic_weights [--data ../shared/data] [--write]

Glossaries of many kinds are drawn, with their few words and with their names alone, and questions put to them: of the
developed half of banking77's intents (Casanueva et al. 2020, CC BY 4.0; the other half lends labels, no questions), of
the first turns of every second service dialogue (Rastogi et al. 2019, CC BY-SA 4.0), of both mixed with the shipped
labels and, in broad glossaries, with many reasons of other branches (`bench/labels/reasons.txt`), the developed half of
our own names of offices, schools, homes and hospitals (`bench/labels/names.txt`), and the developed calls of
`bench/labels`. Some questions ask for a label that was not drawn, some for something of another field. In the
narrow field of banking77 the former count four times: who calls about something that a narrow glossary lacks calls
about something near. Maximum likelihood with a small ridge. Without --write the weights are only shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.calls import language_of
from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.glossary.catalogue import Glossary, Label
from analysis.glossary.choice import load_catalogues
from analysis.glossary.reader import load_glossary
from analysis.topics.asked import AskedLine, asked_in
from analysis.topics.features import features_of
from analysis.topics.likelihood import FEATURES, WEIGHTS, WITH_ENCODER, WORDS_ALONE, words_feature
from analysis.topics.likeness import LabelLikeness
from analysis.topics.matching import TopicMatcher, path_scores
from bench.materials.asked_calls import DEVELOPED, asked_calls
from bench.materials.banking77 import Question, developed_intents, questions
from bench.materials.names import half_of_names, names_glossary
from bench.materials.service_dialogues import first_turns
from bench.materials.topic_glossaries import BANKING77, SERVICES
from bench.options import options_of
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import GlossarySettings, KeywordTopicSettings
from pipeline.records import Role, TranscriptChunk

DRAWS, MIXED_DRAWS, NAMES_DRAWS = 10, 12, 2
RIDGE, NEAR_IN_A_NARROW_FIELD, WEIGHT_OF_CALLS = 1e-3, 4.0, 5.0
WEIGHT_OUTSIDE_NAMES = 0.35
"""Of all questions about something else, against all about the names."""
Rows = npt.NDArray[np.float64]
REASONS = tuple(
    Label(topic=line)
    for line in (Path(__file__).parent / "labels" / "reasons.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)
"""Labels that nobody asks for here, for broad glossaries: names alone."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Questions against one glossary."""

    features: Rows
    """Shape (questions, labels, columns), see `table_of`."""
    right: npt.NDArray[np.bool_]
    """Shape (questions, labels + 1): what may be answered; the last is none of them."""
    weights: Rows
    """Shape (questions,); sums to the draw's weight."""
    narrowness: float
    names_alone: float

    def none(self) -> Rows:
        return np.asarray([1.0, np.log(self.features.shape[1]), self.narrowness, self.names_alone])


@dataclass(frozen=True, slots=True)
class Field:
    """What is asked about in one field, and of what."""

    labels: tuple[Label, ...]
    questions: Sequence[Question]
    beside: tuple[Label, ...]
    """Labels that nobody asks for here."""
    near: float
    """How much a question counts that asks for a label that was not drawn."""
    count: int


def line_of(text: str) -> AskedLine:
    chunk = TranscriptChunk(channel=0, ordinal=0, role=Role.CLIENT, start_s=0.0, end_s=5.0, text=text)
    return AskedLine(text=text, chunk=chunk, weight=1.0)


def table_of(labels: Sequence[Label], asked: Sequence[Sequence[AskedLine]], encoder: SentenceEncoder) -> Rows:
    """Shape (questions, labels, columns): the features with the encoder, then the words as without it."""
    glossary = Glossary(name="drawn", languages=("en",), labels=tuple(labels))
    matcher, likeness = TopicMatcher(glossary, KeywordTopicSettings()), LabelLikeness(labels, encoder)
    rows = []
    for lines in asked:
        scores = {label: score for label, (score, _) in matcher.scores(lines, "en").items()}
        found = matcher.keyword_found(lines, "en")
        features = features_of(likeness, likeness.of(lines), scores, found)
        together = path_scores(scores)
        words = [[words_feature(together[label])] for label in labels]
        rows.append(np.concatenate([features, words], axis=1))
    return np.asarray(rows)


def width_of(labels: Sequence[Label], encoder: SentenceEncoder) -> tuple[float, float]:
    """How narrow a catalogue is, and how much of it is nothing but names."""
    likeness = LabelLikeness(labels, encoder)
    return likeness.narrowness, likeness.names_alone


def drawn(field: Field, other: Sequence[Question], encoder: SentenceEncoder, seed: int) -> Draw:
    """Some of the labels, questions about them, and a sixth each about the rest and about another field."""
    rng = np.random.default_rng(seed)
    labels, own, count = field.labels, field.questions, field.count
    chosen = [labels[index] for index in rng.permutation(len(labels))[: int(rng.integers(4, len(labels) - 3))]]
    more = rng.permutation(len(field.beside))[: int(rng.integers(0, len(field.beside) + 1))]
    chosen += [field.beside[index] for index in more]
    taken = [label if seed % 2 else replace(label, keywords=()) for label in chosen]
    names = {label.topic: index for index, label in enumerate(taken)}

    def some(found: Sequence[Question], most: int) -> list[Question]:
        return [found[int(index)] for index in rng.choice(len(found), min(most, len(found)), replace=False)]

    inside = some([question for question in own if question.intent in names], count)
    beside = some([question for question in own if question.intent not in names], count // 6)
    beyond = some(other, count // 6)
    asked = [*inside, *beside, *beyond]
    right = np.zeros((len(asked), len(taken) + 1), dtype=bool)
    for row, question in enumerate(asked):
        right[row, names.get(question.intent, len(taken)) if row < len(inside) else len(taken)] = True
    weights = np.asarray([1.0] * len(inside) + [field.near] * len(beside) + [1.0] * len(beyond))
    return Draw(
        table_of(taken, [[line_of(question.text)] for question in asked], encoder),
        right,
        weights / weights.sum(),
        *width_of(taken, encoder),
    )


def mixed(bank: Field, service: Field, shipped: Sequence[Label], encoder: SentenceEncoder, seed: int) -> Draw:
    """A broad glossary of several fields, and questions of two of them."""
    rng = np.random.default_rng((seed, 1))

    def some(found: Sequence[Any], count: int) -> list[Any]:
        return [found[int(index)] for index in rng.permutation(len(found))[:count]]

    chosen = some(bank.labels, int(rng.integers(8, 30))) + some(service.labels, int(rng.integers(4, 12)))
    chosen += some(bank.beside, int(rng.integers(0, 25))) + some(shipped, int(rng.integers(5, len(shipped))))
    if seed % 4 > 1:
        chosen += some(REASONS, int(rng.integers(40, len(REASONS))))
    taken = [label if seed % 2 else replace(label, keywords=(), definition="", examples=()) for label in chosen]
    names = {label.topic: index for index, label in enumerate(taken)}
    asked, right = [], []
    for field, inside, outside in ((bank, 150, 35), (service, 60, 35)):
        found = some([question for question in field.questions if question.intent in names], inside)
        found += some([question for question in field.questions if question.intent not in names], outside)
        asked += found
        right += [names.get(question.intent, len(taken)) for question in found]
    return Draw(
        table_of(taken, [[line_of(question.text)] for question in asked], encoder),
        np.asarray(right)[:, None] == np.arange(len(taken) + 1),
        np.full(len(asked), 1 / len(asked)),
        *width_of(taken, encoder),
    )


def developed_calls(encoder: SentenceEncoder) -> list[Draw]:
    """The calls of the developed set that ask for anything, against the shipped glossary of their segment."""
    catalogues = load_catalogues(GlossarySettings())
    draws = []
    for segment, glossary in catalogues.by_segment.items():
        asked, rights = [], []
        for labelled in asked_calls(DEVELOPED):
            lines = asked_in(
                labelled.call.transcript.believed, language_of(labelled.call), KeywordTopicSettings()
            ).lines
            if not lines or labelled.call.metadata.customer_segment not in (segment, None):
                continue
            first = [line for line in lines if line.reason == 0]
            asked.append(first if labelled.second and first else lines)
            rights.append([*(label.topic in labelled.topics for label in glossary.labels), not labelled.topics])
        right = np.asarray(rights)
        weights = right.any(axis=1) / max(right.any(axis=1).sum(), 1) * WEIGHT_OF_CALLS
        draws.append(
            Draw(
                table_of(glossary.labels, asked, encoder),
                right,
                weights,
                *width_of(glossary.labels, encoder),
            )
        )
    return draws


def names_alone(encoder: SentenceEncoder) -> Draw:
    """A broad glossary of nothing but names, and the questions about the developed ones of them."""
    labels = names_glossary().labels
    names = {label.topic: place for place, label in enumerate(labels)}
    asked = half_of_names(0)
    right = np.asarray([names.get(question.intent, len(labels)) for question in asked])
    outside = right == len(labels)
    weights = np.where(outside, WEIGHT_OUTSIDE_NAMES / outside.sum(), 1 / (~outside).sum())
    return Draw(
        table_of(labels, [[line_of(question.text)] for question in asked], encoder),
        right[:, None] == np.arange(len(labels) + 1),
        weights / weights.sum(),
        *width_of(labels, encoder),
    )


def fit(draws: Sequence[Draw], method: str) -> dict[str, Any]:
    """Weights of the labels' features are not negative: what is more alike is no less likely."""
    from scipy.optimize import minimize

    names = FEATURES[method]
    columns = range(len(names)) if method == WITH_ENCODER else [-1]
    size = len(names)

    def loss(weights: Rows) -> tuple[float, Rows]:
        total, slope = 0.0, np.zeros_like(weights)
        for draw in draws:
            features, none = draw.features[:, :, columns], draw.none()
            utilities = np.concatenate(
                [features @ weights[:size], np.full((len(features), 1), float(none @ weights[size:]))], axis=1
            )
            utilities -= utilities.max(axis=1, keepdims=True)
            shares = np.exp(utilities)
            shares /= shares.sum(axis=1, keepdims=True)
            rightly = np.where(draw.right, shares, 0.0)
            sums = rightly.sum(axis=1, keepdims=True) + 1e-12
            total -= float((draw.weights * np.log(sums[:, 0])).sum())
            error = (shares - rightly / sums) * draw.weights[:, None]
            slope[:size] += np.einsum("ql,qlf->f", error[:, :-1], features)
            slope[size:] += error[:, -1].sum() * none
        return total / len(draws) + RIDGE * float(weights @ weights), slope / len(draws) + 2 * RIDGE * weights

    # How alike the labels are and how many they are go together; with the encoder the former tells more.
    free, none = (None, None), (0.0, 0.0)
    many, narrow, names_alone = (none, free, free) if method == WITH_ENCODER else (free, none, none)
    bounds = [(0.0, None)] * size + [free, many, narrow, names_alone]
    found = minimize(loss, np.zeros(size + 4), jac=True, method="L-BFGS-B", bounds=bounds)
    values = [round(float(value), 4) for value in found.x]
    print(f"{method}: {found.fun:.4f} a question")
    return {
        "label": dict(zip(names, values[:size], strict=True)),
        "none": values[size],
        "none_per_log_label": values[size + 1],
        "none_per_narrowness": values[size + 2],
        "none_of_names": values[size + 3],
    }


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS.name}")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(json.dumps({"skipped": f"no reference data in {arguments.data}; give --data DIR"}))
        return
    encoder = open_encoder(EncoderSettings(cached_texts=20_000)).encoder
    if encoder is None:
        print(json.dumps({"skipped": "no sentence encoder on this machine"}))
        return
    banking, services = load_glossary(BANKING77), load_glossary(SERVICES)
    developed = developed_intents(banking)
    asked = [question for question in questions(arguments.data) if question.intent in developed]
    turns = first_turns(arguments.data)[::2]
    bank = Field(
        tuple(label for label in banking.topics if label.topic in developed),
        asked,
        tuple(label for label in banking.topics if label.topic not in developed),
        NEAR_IN_A_NARROW_FIELD,
        300,
    )
    service = Field(services.topics, turns, (), 1.0, 120)
    shipped = [
        replace(label, topic=label.path, subtopic=None)
        for glossary in load_catalogues(GlossarySettings()).by_segment.values()
        for label in glossary.labels
        if label.subtopic is not None
    ]
    draws = [*developed_calls(encoder), *[names_alone(encoder)] * NAMES_DRAWS]
    for seed in range(DRAWS):
        draws += [drawn(bank, turns, encoder, seed), drawn(service, asked, encoder, seed)]
    for seed in range(MIXED_DRAWS):
        draws.append(mixed(bank, service, shipped, encoder, seed))
    found = {method: fit(draws, method) for method in (WITH_ENCODER, WORDS_ALONE)}
    if arguments.write:
        about = "Written by python -m bench.topic_weights, which says from what."
        WEIGHTS.write_text(json.dumps({"about": about, **found}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
