"""Calls that topics were made with, and what is made of them: kept as it is, so that any change of it is seen.

What is right is in the other tests and in the benchmark; a change for the better changes these files, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest

from analysis.calls import language_of
from analysis.encoder.vectors import WITHOUT, EncoderChoice, Vectors
from analysis.glossary.catalogue import Glossary, Label
from analysis.glossary.choice import Catalogues
from analysis.records import Topic
from analysis.text import content_stems
from analysis.topics.asked import AskedLine, asked_in
from analysis.topics.features import features_of
from analysis.topics.likeness import LabelLikeness
from analysis.topics.matching import TopicMatcher
from analysis.topics.step import TopicMethods, TopicStep
from bench.materials.asked_calls import DEVELOPED, FRESH_SEEN, FURTHER_SEEN, STRANGERS, asked_calls
from pipeline.config.areas.language import KeywordTopicSettings, TopicSettings
from pipeline.records import CustomerSegment, Role
from tests.analysis.calls import call
from tests.analysis.redaction.test_as_before import as_heard
from tests.analysis.topics.test_topics import CATALOGUES
from tests.pinned import assert_pinned


class StemsEncoder:
    """Texts are as close as the stems they share: a stem has a place among 96 and a sign of its own."""

    space = identity = "stems"

    def knows(self, language: str | None) -> bool:
        return language in (None, "en")

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), 96), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for stem in content_stems(text, "en") or [text]:
                drawn = crc32(stem.encode())
                row[drawn % 96] += 1 - 2 * (drawn >> 16 & 1)
        lengths: Vectors = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows / lengths

    def encode_fixed(self, texts: Sequence[str]) -> Vectors:
        return self.encode(texts)

    def encode_words(self, words: Sequence[str]) -> Vectors:
        return self.encode(words)

    def close(self) -> None:
        pass


STEMS = EncoderChoice(encoder=StemsEncoder(), expected="stems")
WORDS = KeywordTopicSettings()
LABELS = (
    Label(topic="Parcel", definition="Something sent is not there, or not in time."),
    Label(topic="Parcel", subtopic="Lost", keywords=("lost parcel", "never arrived", "missing")),
    Label(topic="Parcel", subtopic="Late", keywords=("late", "delayed delivery"), examples=("Where is my parcel?",)),
    Label(topic="Bill", keywords=("bill", "invoice")),
    Label(topic="Bill", subtopic="Too high", keywords=("charged twice", "too high", "refund"), examples=(
        "I was charged twice", "the amount is wrong", "Why is my bill so high this month?")),
    Label(topic="Sim card", definition="A card of a telephone."),
    Label(topic="Street light"),
    Label(topic="Facture", languages=("fr",), keywords=("facture",)),
    Label(topic="Facture", subtopic="Remboursement", languages=("fr",), keywords=("rembourser deux fois",)),
)  # fmt: skip
GLOSSARY = Glossary(name="ours", languages=("en", "fr", "de"), labels=LABELS)
SAID = (
    (),
    ("My parcel is lost.",),
    ("The parcel has never arrived, and never will.", "It is late."),
    ("lost it was, the parcel", "Where is it?"),
    ("I lost my big brown parcel.", "The delivery is delayed, delayed, delayed."),
    ("I was charged twice on one bill.", "Twice I was charged.", "the bill the bill the bill"),
    ("The light in our street is broken.",),
    ("My sim is broken, I need a simcard for my telephone.",),
    ("Ma facture est trop haute, vous devez me rembourser deux fois.",),
    ("Nothing of this.",),
)


def lines_of(said: Sequence[str]) -> list[AskedLine]:
    weights = (1.0, 0.5, 0.35)
    chunks = call(*(("client", text) for text in said)).transcript.chunks
    return [
        AskedLine(text=chunk.text, chunk=chunk, weight=weight) for chunk, weight in zip(chunks, weights, strict=False)
    ]


def shown(*values: float) -> str:
    return " ".join(f"{value:.4f}" for value in values)


@pytest.mark.parametrize("language", ["en", "fr", None])
def test_how_well_labels_match_what_is_said(language: str | None) -> None:
    """By words alone and by an encoder, of each label; the same word for word, and with what the settings weigh."""
    assert_pinned(f"matching_{language}.txt", "\n".join(_matching(language)))


def _matching(language: str | None) -> Iterator[str]:
    matchers = {
        "usual": TopicMatcher(GLOSSARY, WORDS),
        "otherwise": TopicMatcher(
            GLOSSARY,
            KeywordTopicSettings(
                name_weight=0.7, keyword_weight=1.3, phrase_part=0.4, example_weight=0.9, definition_weight=0.6,
                saturation=0.8, subword_weight=0.9, phrase_bonus=1.7, phrase_gap_words=0, subtopic_min_margin=0.4,
            ),
        ),
    }  # fmt: skip
    for said in SAID:
        lines = lines_of(said)
        yield f"= {' | '.join(said)}"
        for name, matcher in matchers.items():
            scores = matcher.scores(lines, language)
            found = matcher.keyword_found(lines, language)
            for label, (score, matched) in scores.items():
                if score or found[label]:
                    told = " ".join(sorted(matched))
                    yield f"{name} {label.topic} {label.subtopic}: {shown(score, found[label])} {told}"
            for candidate in matcher.candidates(lines, language):
                yield f"{name} -> {candidate.topic} {candidate.below} {shown(candidate.score)}"
        if lines and language != "fr":
            alike = LabelLikeness(tuple(scores), StemsEncoder())
            of_lines = alike.of(lines)
            plain = {label: score for label, (score, _) in scores.items()}
            for label, row in zip(scores, features_of(alike, of_lines, plain, found), strict=True):
                yield f"alike {label.topic} {label.subtopic}: {shown(*row)}"


CALLS = [one.call for path in (DEVELOPED, FURTHER_SEEN, FRESH_SEEN, STRANGERS) for one in asked_calls(path)]


@pytest.mark.parametrize("form", ["written", "heard", "one_side", "german"])
def test_what_is_asked_in_calls(form: str) -> None:
    """What counts of each call, with its weight and which reason it belongs to."""
    assert_pinned(f"asked_{form}.txt", "\n".join(_asked(form)))


def _asked(form: str) -> Iterator[str]:
    for one in CALLS:
        chunks = one.transcript.believed
        if form == "heard":
            chunks = tuple(replace(chunk, text=as_heard(chunk.text)) for chunk in chunks)
        elif form == "one_side":
            chunks = tuple(replace(chunk, role=Role.UNKNOWN) for chunk in chunks)
        asked = asked_in(chunks, "de" if form == "german" else "en", WORDS)
        yield f"= {one.call_id} {asked.nothing_because or ''}"
        for line in asked.lines:
            yield f"{line.reason} {line.weight:.2f} {line.chunk.start_s:.0f}: {line.text}"


@pytest.mark.parametrize(("name", "encoder"), [("words", WITHOUT), ("encoder", STEMS)])
def test_topics_of_calls(name: str, encoder: EncoderChoice) -> None:
    assert_pinned(f"topics_{name}.txt", "\n".join(_topics(encoder)))


def _topics(encoder: EncoderChoice) -> Iterator[str]:
    ours = Catalogues({CustomerSegment.B2C: GLOSSARY}, None)
    for catalogues in (CATALOGUES, ours):
        step = TopicStep(catalogues, TopicSettings(), TopicMethods(encoder=encoder))
        for one in CALLS:
            (result,) = step.run([one], [{}])
            topic = result.payload
            yield f"= {one.call_id} {language_of(one)} {result.reason or ''}"
            if isinstance(topic, Topic):
                yield f"{topic.topic} > {topic.subtopic or topic.subtopic_missing} {shown(topic.confidence or 0.0)}"
                second = topic.second_subtopic or topic.second_subtopic_missing
                if topic.second_topic:
                    yield f"and {topic.second_topic} > {second} {shown(topic.second_confidence or 0.0)}"
                yield f"{topic.catalogue}: " + " | ".join(quote.quote for quote in topic.evidence)
