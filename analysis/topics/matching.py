"""Topic without a model: the call's words against the glossary's.

A sparse lexical score in the family of BM25 (Robertson & Zaragoza 2009): inverse document frequency over the
catalogue's labels, saturation of repeated mentions, length normalisation over label descriptions. Added to it: fields
of different weight, the client's opening turns before later and agent's turns, and keywords of several words found
together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.glossary.catalogue import Glossary, Label
from analysis.text import content_stems, stems, words
from pipeline.config.language import KeywordTopicSettings
from pipeline.records import Role, TranscriptChunk

NOT_SPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces between words: their words cannot be told apart here."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topic with its best subtopic and how well the call's words fit."""

    topic: str
    subtopic: str | None
    score: float
    """About 1 for one rare keyword said once by the client in the opening turns."""
    matched: frozenset[str]
    """Stems of the call that counted."""


@dataclass(frozen=True, slots=True)
class _Described:
    """A label's words in one language."""

    label: Label
    weights: Mapping[str, float]
    phrases: tuple[tuple[str, ...], ...]
    length: float


class TopicMatcher:
    """Scores calls against one catalogue. Reads nothing but its arguments; safe to share."""

    def __init__(self, glossary: Glossary, settings: KeywordTopicSettings) -> None:
        self.glossary = glossary
        self._settings = settings
        self._described: dict[str | None, tuple[list[_Described], dict[str, float]]] = {}

    def candidates(self, chunks: Sequence[TranscriptChunk], language: str | None) -> list[Candidate]:
        """All topics with any match, best first; of equal scores the glossary's order decides.

        A topic's score is that of its own words plus that of its best subtopic.
        """
        described, idf = self._index(language)
        mentions, turns = self._mentions(chunks, language)
        average = sum(one.length for one in described) / max(1, len(described))
        scored = [self._score(one, mentions, turns, idf, average) for one in described]
        found: list[Candidate] = []
        for topic in self.glossary.topics:
            own_score, own_matched = next(
                score for one, score in zip(described, scored, strict=True) if one.label == topic
            )
            below = [
                (score, matched, one.label.subtopic)
                for one, (score, matched) in zip(described, scored, strict=True)
                if one.label.topic == topic.topic and one.label.subtopic is not None and score > 0
            ]
            below.sort(key=lambda entry: -entry[0])
            best, matched, subtopic = below[0] if below else (0.0, frozenset[str](), None)
            if len(below) > 1 and best - below[1][0] <= self._settings.subtopic_min_margin * best:
                subtopic = None
            if own_score + best > 0:
                found.append(Candidate(topic.topic, subtopic, own_score + best, own_matched | matched))
        return sorted(found, key=lambda candidate: -candidate.score)

    def _index(self, language: str | None) -> tuple[list[_Described], dict[str, float]]:
        if language not in self._described:
            described = [
                self._describe(label, language) for label in self.glossary.labels if _in_language(label, language)
            ]
            leaves = [one for one in described if one.label.subtopic is not None or not self._has_below(one.label)]
            parents = {one.label.topic: one for one in described if one.label.subtopic is None}
            frequency: dict[str, int] = {}
            for leaf in leaves:
                for stem in leaf.weights.keys() | parents[leaf.label.topic].weights.keys():
                    frequency[stem] = frequency.get(stem, 0) + 1
            count = len(leaves)
            top = math.log(1 + (count - 0.5) / 1.5)
            idf = {
                stem: math.log(1 + (count - seen + 0.5) / (seen + 0.5)) / (top or 1.0)
                for stem, seen in frequency.items()
            }
            self._described[language] = (described, idf)
        return self._described[language]

    def _has_below(self, label: Label) -> bool:
        return bool(self.glossary.subtopics(label.topic))

    def _describe(self, label: Label, language: str | None) -> _Described:
        settings = self._settings
        weights: dict[str, float] = {}
        phrases: list[tuple[str, ...]] = []

        def add(text: str, weight: float) -> list[str]:
            found = content_stems(text, language)
            for stem in found:
                weights[stem] = max(weights.get(stem, 0.0), weight)
            return found

        own_name = label.subtopic or label.topic
        name = add(own_name, settings.name_weight * (settings.phrase_part if len(words(own_name)) > 1 else 1.0))
        if len(name) > 1:
            phrases.append(tuple(name))
        for keyword in label.keywords:
            parts = words(keyword)
            add(keyword, settings.keyword_weight * (settings.phrase_part if len(parts) > 1 else 1.0))
            if len(parts) > 1:
                phrases.append(tuple(stems(parts, language)))
        for example in label.examples:
            add(example, settings.example_weight)
        add(label.definition, settings.definition_weight)
        return _Described(label, weights, tuple(dict.fromkeys(phrases)), sum(weights.values()))

    def _mentions(
        self, chunks: Sequence[TranscriptChunk], language: str | None
    ) -> tuple[dict[str, float], list[tuple[list[str], float]]]:
        """Weighted mentions of each stem, and each chunk's stems (function words included) with its weight."""
        settings = self._settings
        mentions: dict[str, float] = {}
        turns: list[tuple[list[str], float]] = []
        client_turns = 0
        roles = {chunk.role for chunk in chunks}
        for chunk in sorted(chunks, key=lambda one: (one.start_s, one.channel)):
            content = content_stems(chunk.text, language)
            if not content:
                continue
            weight = 1.0 if client_turns < settings.opening_turns else settings.later_weight
            if chunk.role == Role.CLIENT or Role.CLIENT not in roles:
                client_turns += 1
            else:
                weight *= settings.agent_weight
            for stem in content:
                mentions[stem] = mentions.get(stem, 0.0) + weight
            turns.append((stems(words(chunk.text), language), weight))
        return mentions, turns

    def _score(
        self,
        described: _Described,
        mentions: Mapping[str, float],
        turns: Sequence[tuple[Sequence[str], float]],
        idf: Mapping[str, float],
        average_length: float,
    ) -> tuple[float, frozenset[str]]:
        settings = self._settings
        norm = 1.0 - settings.length_norm + settings.length_norm * described.length / (average_length or 1.0)
        score = 0.0
        matched: set[str] = set()
        for stem, weight in described.weights.items():
            said = mentions.get(stem, 0.0)
            if said > 0:
                score += weight * idf.get(stem, 0.0) * _saturated(said, settings.saturation) / norm
                matched.add(stem)
        for phrase in described.phrases:
            said = sum(weight for turn, weight in turns if _stands_in(phrase, turn, settings.phrase_gap_words))
            if said > 0:
                rarity = max((idf.get(stem, 0.0) for stem in phrase), default=0.0)
                score += settings.phrase_bonus * rarity * _saturated(said, settings.saturation)
        return score, frozenset(matched)


def _in_language(label: Label, language: str | None) -> bool:
    # A topic line without languages holds its subtopics together, whatever they are in.
    return language is None or not label.languages or language in label.languages or label.subtopic is None


def _saturated(mentions: float, saturation: float) -> float:
    """0 for none, 1 for one full mention, at most 1 + saturation."""
    return mentions * (1.0 + saturation) / (mentions + saturation)


def _stands_in(phrase: Sequence[str], turn: Sequence[str], gap: int) -> bool:
    """Whether the phrase's words stand in the turn in order with at most `gap` other words between two of them."""
    ends = [place for place, word in enumerate(turn) if word == phrase[0]]
    for wanted in phrase[1:]:
        ends = [
            place
            for place, word in enumerate(turn)
            if word == wanted and any(end < place <= end + gap + 1 for end in ends)
        ]
        if not ends:
            return False
    return bool(ends)


def counted_words(text: str, matched: frozenset[str], language: str | None) -> int:
    """How many different words that counted the text holds: its worth as evidence."""
    return len(matched.intersection(content_stems(text, language)))
