"""Fits the weights of topics without training, `analysis/topics/weights.json`.

    python -m bench.topic_weights [--data ../shared/data] [--cone FOLDER] [--prefix "query: "] [--write]

Glossaries of many kinds are drawn, with their few words and with their names alone, and questions put to them: of the
developed half of banking77's intents (Casanueva et al. 2020, CC BY 4.0; the other half lends labels, no questions), of
the first turns of every second service dialogue (Rastogi et al. 2019, CC BY-SA 4.0), of both mixed with the shipped
labels and, in broad glossaries, with many reasons of other branches (`bench/labels/reasons.txt`), the developed half of
our own names of offices, schools, homes and hospitals (`bench/labels/names.txt`), and the calls of `bench/labels` that
were looked at. Some questions ask for a label that was not drawn, some for something of another field. In the
narrow field of banking77 the former count six times: who calls about something that a narrow glossary lacks calls
about something near. A call that asks for nothing counts five times, a single opening sentence a fifth. Maximum
likelihood with a small ridge. With --cone the weights of encoders whose vectors lie in a narrow cone are fitted, with
the one in FOLDER (docs/topics.md says where it comes from), else those of words and of the
default encoder. Without --write the weights are only shown.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis.calls import language_of
from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import SentenceEncoder
from analysis.glossary.catalogue import Glossary, Label
from analysis.glossary.choice import load_catalogues
from analysis.glossary.reader import load_glossary
from analysis.topics.asked import Asked, AskedLine, asked_in
from analysis.topics.features import features_of
from analysis.topics.likelihood import IN_A_CONE, WEIGHTS, WITH_ENCODER, WORDS_ALONE, words_feature
from analysis.topics.likeness import LabelLikeness
from analysis.topics.matching import TopicMatcher, path_scores
from bench.materials.asked_calls import FITTED_ON, OPENINGS_SEEN, asked_calls
from bench.materials.banking77 import Question, developed_intents, questions
from bench.materials.label_weights import Draw, fit
from bench.materials.names import half_of_names, names_glossary
from bench.materials.service_dialogues import first_turns
from bench.materials.topic_glossaries import BANKING77, SERVICES
from bench.options import another_encoder, options_of
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.language import GlossarySettings, KeywordTopicSettings
from pipeline.records import Role, TranscriptChunk

DRAWS, MIXED_DRAWS, NAMES_DRAWS = 10, 12, 6
NEAR_IN_A_NARROW_FIELD, WEIGHT_OF_CALLS, WEIGHT_WITHOUT, WEIGHT_OF_OPENINGS = 6.0, 10.0, 5.0, 0.2
WEIGHT_OUTSIDE_NAMES = 0.35
"""Of all questions about something else, against all about the names."""
REASONS = tuple(
    Label(topic=line)
    for line in (Path(__file__).parent / "labels" / "reasons.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)
"""Labels that nobody asks for here, for broad glossaries: names alone."""


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


def asked_of(text: str) -> Asked:
    """One client turn."""
    chunk = TranscriptChunk(channel=0, ordinal=0, role=Role.CLIENT, start_s=0.0, end_s=5.0, text=text)
    return Asked(lines=(AskedLine(text=text, chunk=chunk, weight=1.0),), dialogue=text)


def draw_of(
    labels: Sequence[Label], asked: Sequence[Asked], right: Any, weights: Any, encoder: SentenceEncoder
) -> Draw:
    """With the features of each question: those with the encoder, then the words as without it."""
    glossary = Glossary(name="drawn", languages=("en",), labels=tuple(labels))
    matcher, likeness = TopicMatcher(glossary, KeywordTopicSettings()), LabelLikeness(labels, encoder)
    rows, elsewhere = [], []
    for question in asked:
        lines, dialogue = question.lines, question.dialogue
        scores = {label: score for label, (score, _) in matcher.scores(lines, "en").items()}
        found = matcher.keyword_found(lines, "en")
        features = features_of(likeness, likeness.of(lines, dialogue), scores, found)
        together = path_scores(scores)
        words = [[words_feature(together[label])] for label in labels]
        rows.append(np.concatenate([features, words], axis=1))
        elsewhere.append(likeness.elsewhere(lines, dialogue))
    return Draw(np.asarray(rows), right, weights, likeness.narrowness, likeness.names_alone, np.asarray(elsewhere))


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
    return draw_of(taken, [asked_of(question.text) for question in asked], right, weights / weights.sum(), encoder)


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
    rightly = np.asarray(right)[:, None] == np.arange(len(taken) + 1)
    return draw_of(
        taken, [asked_of(question.text) for question in asked], rightly, np.full(len(asked), 1 / len(asked)), encoder
    )


def looked_at_calls(encoder: SentenceEncoder, without: float) -> list[Draw]:
    """The calls that were looked at and ask for anything, against the shipped glossary of their segment.

    Args:
        without: how much a call counts that asks for nothing in the glossary, against one that does.
    """
    catalogues = load_catalogues(GlossarySettings())
    draws = []
    for segment, glossary in catalogues.by_segment.items():
        asked, rights, counts = [], [], []
        for source, labelled in [(path, found) for path in FITTED_ON for found in asked_calls(path)]:
            whole = asked_in(labelled.call.transcript.believed, language_of(labelled.call), KeywordTopicSettings())
            lines = whole.lines
            if not lines or labelled.call.metadata.customer_segment not in (segment, None):
                continue
            first = tuple(line for line in lines if line.reason == 0)
            parted = labelled.second and 0 < len(first) < len(lines)
            asked.append(Asked(lines=first) if parted else whole)
            topics = labelled.topics if len(first) < len(lines) else labelled.topics | labelled.second_topics
            rights.append([*(label.topic in topics for label in glossary.labels), not topics])
            counts.append(WEIGHT_OF_OPENINGS if source == OPENINGS_SEEN else 1.0)
        right = np.asarray(rights)
        counted = np.where(right.any(axis=1), counts, 0.0)
        weights = np.where(right[:, -1], without, 1.0) * counted / max(counted.sum(), 1) * WEIGHT_OF_CALLS
        draws.append(draw_of(glossary.labels, asked, right, weights, encoder))
    return draws


def names_alone(encoder: SentenceEncoder) -> Draw:
    """A broad glossary of nothing but names, and the questions about the developed ones of them."""
    labels = names_glossary().labels
    names = {label.topic: column for column, label in enumerate(labels)}
    asked = half_of_names(0)
    right = np.asarray([names.get(question.intent, len(labels)) for question in asked])
    outside = right == len(labels)
    weights = np.where(outside, WEIGHT_OUTSIDE_NAMES / outside.sum(), 1 / (~outside).sum())
    rightly = right[:, None] == np.arange(len(labels) + 1)
    return draw_of(labels, [asked_of(question.text) for question in asked], rightly, weights / weights.sum(), encoder)


def main() -> None:
    parser = options_of(__doc__, data=True)
    parser.add_argument("--cone", type=Path, help="folder of an encoder whose vectors lie in a narrow cone")
    parser.add_argument("--prefix", default="", help="its encoder.prefix")
    parser.add_argument("--write", action="store_true", help=f"write {WEIGHTS.name}")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(json.dumps({"skipped": f"no reference data in {arguments.data}; give --data DIR"}))
        return
    default = EncoderSettings(cached_texts=20_000)
    settings = default if arguments.cone is None else another_encoder(arguments.cone, arguments.prefix)
    encoder = open_encoder(settings).encoder
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
        replace(label, topic=label.path, subtopic=None, examples=())
        for glossary in load_catalogues(GlossarySettings()).by_segment.values()
        for label in glossary.labels
        if label.subtopic is not None
    ]
    draws = [*[names_alone(encoder)] * NAMES_DRAWS]
    for seed in range(DRAWS):
        draws += [drawn(bank, turns, encoder, seed)]
        draws += [drawn(service, asked, encoder, number) for number in (seed, DRAWS + seed)]
    for seed in range(MIXED_DRAWS):
        draws.append(mixed(bank, service, shipped, encoder, seed))
    with_encoder = WITH_ENCODER if arguments.cone is None else IN_A_CONE
    found = {with_encoder: fit([*looked_at_calls(encoder, WEIGHT_WITHOUT), *draws], with_encoder)}
    if arguments.cone is None:
        found[WORDS_ALONE] = fit([*looked_at_calls(encoder, 1.0), *draws], WORDS_ALONE)
    if arguments.write:
        kept = json.loads(WEIGHTS.read_text(encoding="utf-8"))
        WEIGHTS.write_text(json.dumps({**kept, **found}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
