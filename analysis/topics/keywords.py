"""Topic without training: the glossary's words, with the sentence encoder where it knows the language.

With the encoder the topic is the likeliest one, and none where "none of them" or doubt is likelier (`likelihood`).
Without it the words alone decide, as they did before there was one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analysis.calls import language_of
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.evidence import find_quote
from analysis.glossary.catalogue import Glossary, Label
from analysis.records import Evidence, Topic
from analysis.topics.asked import Asked, AskedLine, asked_in
from analysis.topics.features import features_of
from analysis.topics.likelihood import WITH_ENCODER, WORDS_ALONE, fitted, for_encoder, words_feature
from analysis.topics.likeness import LabelLikeness
from analysis.topics.matching import NOT_SPACED, Candidate, TopicMatcher, counted_words, path_scores
from analysis.topics.subtopics import likeliest_subtopic
from pipeline.config.areas.language import TopicSettings
from pipeline.records import CallForAnalysis, Role

METHOD = WORDS_ALONE
_ALIKE = 3.0
"""Standard deviations above everyday sentences from which a line is evidence."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Topics of one catalogue for one call, or for one of its reasons."""

    glossary: Glossary
    candidates: tuple[Candidate, ...]
    """Best first."""
    confidences: tuple[float, ...]
    """Of the topics, in the same order."""

    @property
    def confidence(self) -> float:
        return self.confidences[0] if self.confidences else 0.0

    @property
    def lead(self) -> float:
        """Of the best over the second, as a share of the best."""
        if len(self.candidates) < 2:
            return 1.0
        first, second = self.candidates[0].score, self.candidates[1].score
        return (first - second) / first if first > 0 else 0.0


class KeywordTopics:
    """Matches calls with the catalogues it was given."""

    def __init__(
        self, glossaries: Sequence[Glossary], settings: TopicSettings, encoder: EncoderChoice = WITHOUT
    ) -> None:
        self._matchers = {glossary.name: TopicMatcher(glossary, settings.keywords) for glossary in glossaries}
        self._settings = settings
        self._encoder = encoder
        self._likenesses: dict[tuple[str, str | None], LabelLikeness] = {}

    def method(self, call: CallForAnalysis) -> str:
        """What decides for this call."""
        return WITH_ENCODER if self._encoder.for_language(language_of(call)) is not None else WORDS_ALONE

    def note(self, call: CallForAnalysis) -> str | None:
        """Why words alone decide; None where the encoder serves too."""
        if self.method(call) == WITH_ENCODER:
            return None
        if self._encoder.encoder is None:
            return f"by keywords alone: no sentence encoder ({self._encoder.reason})"
        return f"by keywords alone: the sentence encoder does not know {language_of(call)}"

    def classify(self, call: CallForAnalysis, glossaries: Sequence[Glossary]) -> tuple[Topic | None, str | None]:
        """The topic, or None with the reason. Of several catalogues the one that matches best is taken."""
        language = language_of(call)
        if language in NOT_SPACED and self.method(call) == WORDS_ALONE:
            return None, f"keywords cannot be matched in {language}: it is written without spaces between words"
        fitting = [glossary for glossary in glossaries if glossary.speaks(language)]
        if not fitting:
            names = ", ".join(f"{glossary.name} ({', '.join(glossary.languages)})" for glossary in glossaries) or "none"
            return None, f"no glossary for this call: language {language}, catalogues: {names}"
        asked = asked_in(call.transcript.believed, language, self._settings.keywords)
        if not asked.lines:
            return None, asked.nothing_because
        first, second = self._reasons(asked, fitting, language)
        reason = self._reason_against(first, self._encoder.for_language(language) is not None)
        if first is None or reason is not None:
            return None, reason
        topic = self._topic(first, asked, language)
        return (topic if second is None else _with_second(topic, second)), None

    def _reasons(
        self, asked: Asked, glossaries: Sequence[Glossary], language: str | None
    ) -> tuple[Ranked | None, Ranked | None]:
        """What the call is about, and what else: where the client says that there is a second reason."""
        parts = [[line for line in asked.lines if line.reason == number] for number in (0, 1)]
        whole = self._best(asked.lines, glossaries, language, asked.dialogue)
        if whole is None or not all(parts):
            return whole, None
        first, second = (self._best(part, [whole.glossary], language) for part in parts)
        if first is None or second is None or self._encoder.for_language(language) is None:
            return whole, None
        least = self._settings.min_confidence_of_second
        if min(first.confidence, second.confidence) < least or first.candidates[0].topic == second.candidates[0].topic:
            return whole, None
        return first, second

    def _best(
        self, lines: Sequence[AskedLine], glossaries: Sequence[Glossary], language: str | None, dialogue: str = ""
    ) -> Ranked | None:
        ranked = [self._ranked(lines, glossary, language, dialogue) for glossary in glossaries]
        with_encoder = self._encoder.for_language(language) is not None
        found = [ranking for ranking in ranked if ranking.candidates]
        if not found:
            return None
        return max(found, key=lambda ranking: ranking.confidence if with_encoder else ranking.candidates[0].score)

    def _ranked(self, lines: Sequence[AskedLine], glossary: Glossary, language: str | None, dialogue: str) -> Ranked:
        matcher = self._matchers[glossary.name]
        encoder = self._encoder.for_language(language)
        scores = matcher.scores(lines, language)
        labels = tuple(scores)
        if not labels:
            return Ranked(glossary, (), ())
        matching = {label: score for label, (score, _) in scores.items()}
        if encoder is None:
            candidates = tuple(matcher.candidates(lines, language))
            together = path_scores(matching)
            words = np.asarray([[words_feature(together[label])] for label in labels])
            shares, _ = fitted(WORDS_ALONE).shares(words)
            by_topic = _by_topic(labels, shares)
            return Ranked(glossary, candidates, tuple(by_topic[candidate.topic] for candidate in candidates))
        key = (glossary.name, language)
        if key not in self._likenesses:
            self._likenesses[key] = LabelLikeness(labels, encoder)
        likeness = self._likenesses[key]
        found = matcher.keyword_found(lines, language)
        features = features_of(likeness, likeness.of(lines, dialogue), matching, found)
        likelihood = for_encoder(likeness.in_a_cone)
        elsewhere = likeness.elsewhere(lines, dialogue) if likelihood.none_per_elsewhere else 0.0
        shares, _ = likelihood.shares(features, likeness.narrowness, likeness.names_alone, elsewhere)
        by_topic = _by_topic(labels, shares)
        topics = sorted(by_topic, key=lambda topic: -by_topic[topic])
        matched = {
            topic: frozenset[str]().union(*(scores[label][1] for label in labels if label.topic == topic))
            for topic in topics
        }
        candidates = tuple(
            Candidate(topic, likeliest_subtopic(topic, labels, shares), by_topic[topic], matched[topic])
            for topic in topics
        )
        return Ranked(glossary, candidates, tuple(by_topic[topic] for topic in topics))

    def _reason_against(self, ranked: Ranked | None, with_encoder: bool) -> str | None:
        """Why the best topic is none; None where it is one."""
        if ranked is None:
            return "nothing in this call matches the glossary"
        settings = self._settings
        first = ranked.candidates[0]
        if with_encoder and ranked.confidence < settings.min_confidence:
            return f"no topic is likely enough: {first.topic} has {ranked.confidence:.2f} of {settings.min_confidence}"
        if not with_encoder and first.score < settings.keywords.min_score:
            return (
                f"no topic matches well enough: {first.topic} scores {first.score:.2f} of {settings.keywords.min_score}"
            )
        if ranked.lead <= settings.keywords.min_margin:
            return f"two topics match equally well: {first.topic} and {ranked.candidates[1].topic}"
        return None

    def _topic(self, ranked: Ranked, asked: Asked, language: str | None) -> Topic:
        first = ranked.candidates[0]
        return Topic(
            topic=first.topic,
            subtopic=first.below.subtopic,
            subtopic_missing=first.below.missing,
            confidence=ranked.confidence,
            evidence=self._evidence(ranked, asked, language),
            catalogue=ranked.glossary.name,
            glossary_hash=ranked.glossary.content_hash,
        )

    def _evidence(self, ranked: Ranked, asked: Asked, language: str | None) -> tuple[Evidence, ...]:
        """The lines that speak most for the topic; of equal ones the client's and the earlier."""
        found = ranked.candidates[0]
        likeness = self._line_likeness(ranked.glossary, found, asked.lines, language)
        worth = [
            counted_words(line.text, found.matched, language) + float(alike) / _ALIKE
            for line, alike in zip(asked.lines, likeness, strict=True)
        ]
        order = sorted(
            (number for number in range(len(worth)) if worth[number] >= 1.0),
            key=lambda number: (-worth[number], asked.lines[number].chunk.role == Role.AGENT, number),
        )
        quotes: dict[tuple[int, int, str], Evidence] = {}
        for number in order:
            line = asked.lines[number]
            evidence = _quote(line)
            if evidence is not None and len(quotes) < self._settings.max_evidence:
                quotes.setdefault((evidence.channel, evidence.ordinal, evidence.quote), evidence)
        return tuple(sorted(quotes.values(), key=lambda quote: (quote.start_s, quote.channel)))

    def _line_likeness(
        self, glossary: Glossary, found: Candidate, lines: Sequence[AskedLine], language: str | None
    ) -> npt.NDArray[np.float64]:
        """Shape (lines,): how alike each line and the topic are, 0 without an encoder."""
        likeness = self._likenesses.get((glossary.name, language))
        if likeness is None:
            return np.zeros(len(lines))
        own = [column for column, label in enumerate(likeness.labels) if label.topic == found.topic]
        alike = likeness.by_line([line.text for line in lines])[:, own, 2].max(axis=1)
        return np.asarray(np.maximum(alike, 0.0), dtype=np.float64)


def _by_topic(labels: Sequence[Label], shares: npt.NDArray[np.float64]) -> dict[str, float]:
    found: dict[str, float] = {}
    for label, share in zip(labels, shares, strict=True):
        found[label.topic] = found.get(label.topic, 0.0) + float(share)
    return found


def _quote(line: AskedLine) -> Evidence | None:
    """The line as it stands in its chunk; where something was cut out of it, its longest piece."""
    pieces = sorted(line.text.split(", "), key=len, reverse=True)
    return next(
        (found for text in (line.text, *pieces) if (found := find_quote(text, (line.chunk,))) is not None), None
    )


def _with_second(topic: Topic, second: Ranked) -> Topic:
    found = second.candidates[0]
    return replace(
        topic,
        second_topic=found.topic,
        second_subtopic=found.below.subtopic,
        second_subtopic_missing=found.below.missing,
        second_confidence=second.confidence,
    )
