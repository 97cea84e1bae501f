"""Topic without a model: the call's words against the glossary's.

A sparse lexical score: the inner product of the call's and a label's TF-IDF vectors, the label's of unit length, so
that labels described in many words have no advantage. Inverse document frequency is over the catalogue's labels.
Mentions are weighted (`analysis.topics.asked` says how) and saturate as in BM25
(Robertson & Zaragoza 2009). Two views are added: stems of words, and character n-grams within words, which forgive
compounds ("checkbook") and a recogniser's near misses. Keywords of several words found together count extra.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.glossary.catalogue import Glossary, Label
from analysis.text import content_stems, stems, words
from analysis.topics.asked import AskedLine
from analysis.topics.subtopics import Below
from pipeline.config.areas.language import KeywordTopicSettings

NOT_SPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces between words: their words cannot be told apart here."""


_FULL_EXAMPLES = 2
"""Whose words count in full; of more examples they count together as much as of these, or keywords would be lost."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topic with its best subtopic and how well the call's words fit."""

    topic: str
    below: Below
    score: float
    """About 1 for one rare keyword said once by the client in the opening turns."""
    matched: frozenset[str]
    """Stems of the call that counted."""


@dataclass(frozen=True, slots=True)
class _Described:
    """A label's words in one language."""

    label: Label
    stems: Mapping[str, float]
    grams: Mapping[str, float]
    phrases: tuple[tuple[str, ...], ...]
    terms: tuple[frozenset[str], ...]
    """Stems of its name and of each keyword."""


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """All labels in one language. The vectors hold weight times idf and have unit length."""

    described: tuple[_Described, ...]
    idf: Mapping[str, float]
    gram_idf: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A call's words: weighted mentions, and each line's stems (function words included) with its weight."""

    stems: Mapping[str, float]
    grams: Mapping[str, float]
    turns: tuple[tuple[tuple[str, ...], float], ...]


class TopicMatcher:
    """Scores calls against one catalogue. Reads nothing but its arguments; safe to share."""

    def __init__(self, glossary: Glossary, settings: KeywordTopicSettings) -> None:
        self.glossary = glossary
        self._settings = settings
        self._by_language: dict[str | None, _Catalogue] = {}

    def candidates(self, lines: Sequence[AskedLine], language: str | None) -> list[Candidate]:
        """All topics with any match, best first; of equal scores the glossary's order decides.

        A topic's score is that of its own words plus that of its best subtopic.
        """
        scored = self.scores(lines, language)
        found: list[Candidate] = []
        for topic in self.glossary.topics:
            own_score, own_matched = scored.get(topic, (0.0, frozenset[str]()))
            below = [
                (*scored[label], label.subtopic)
                for label in self.glossary.subtopics(topic.topic)
                if label in scored and scored[label][0] > 0
            ]
            below.sort(key=lambda entry: -entry[0])
            best, matched, subtopic = below[0] if below else (0.0, frozenset[str](), None)
            chosen = Below(subtopic)
            if len(below) > 1 and best - below[1][0] <= self._settings.subtopic_min_margin * best:
                chosen = Below(None, f"two match equally well: {subtopic} and {below[1][2]}")
            elif subtopic is None and self.glossary.subtopics(topic.topic):
                chosen = Below(None, "nothing in this call matches one")
            if own_matched | matched:
                found.append(Candidate(topic.topic, chosen, own_score + best, own_matched | matched))
        return sorted(found, key=lambda candidate: -candidate.score)

    def scores(self, lines: Sequence[AskedLine], language: str | None) -> dict[Label, tuple[float, frozenset[str]]]:
        """Each label of the language with how well its own words fit, and the stems of the call that counted."""
        catalogue = self._catalogue(language)
        heard = self._hear(lines, language)
        return {described.label: self._score(described, heard, catalogue) for described in catalogue.described}

    def keyword_found(self, lines: Sequence[AskedLine], language: str | None) -> dict[Label, float]:
        """How much of the label's keyword that is found best is said in one line: 1 for one rare word, 2 for two.

        A word that is a keyword by itself is worth as much in a label of twenty keywords as in one of two, which
        `scores` does not give: there a label's words share its length.
        """
        catalogue = self._catalogue(language)
        heard = [(frozenset(content_stems(line.text, language)), line.weight) for line in lines]
        return {
            described.label: max(
                (weight * _found(term, said, catalogue.idf) for term in described.terms for said, weight in heard),
                default=0.0,
            )
            for described in catalogue.described
        }

    def _catalogue(self, language: str | None) -> _Catalogue:
        """Built on first use for each language."""
        if language not in self._by_language:
            labels = [label for label in self.glossary.labels if _in_language(label, language)]
            raw = {label: self._describe(label, language) for label in labels}
            divided = {label.topic for label in labels if label.subtopic is not None}
            leaves = [label for label in labels if label.subtopic is not None or label.topic not in divided]
            parents = {label.topic: raw[label] for label in labels if label.subtopic is None}
            idf = _idf([raw[leaf].stems.keys() | parents[leaf.topic].stems.keys() for leaf in leaves])
            gram_idf = _idf([raw[leaf].grams.keys() | parents[leaf.topic].grams.keys() for leaf in leaves])
            described = tuple(
                replace(unscaled, stems=_unit(unscaled.stems, idf), grams=_unit(unscaled.grams, gram_idf))
                for unscaled in raw.values()
            )
            self._by_language[language] = _Catalogue(described, idf, gram_idf)
        return self._by_language[language]

    def _describe(self, label: Label, language: str | None) -> _Described:
        settings = self._settings
        weights: dict[str, float] = {}
        counts: Counter[str] = Counter()
        phrases: list[tuple[str, ...]] = []

        def add(text: str, weight: float) -> list[str]:
            found = content_stems(text, language)
            counts.update(found)
            for stem in found:
                weights[stem] = max(weights.get(stem, 0.0), weight)
            return found

        name = add(label.subtopic or label.topic, settings.name_weight)
        terms = [frozenset(name)]
        if len(name) > 1:
            phrases.append(tuple(name))
        for keyword in label.keywords:
            parts = words(keyword)
            found = add(keyword, settings.keyword_weight * (settings.phrase_part if len(parts) > 1 else 1.0))
            terms.append(frozenset(found))
            if len(parts) > 1:
                phrases.append(tuple(stems(parts, language)))
        # More examples tell no more words apart from the label's keywords than two do.
        of_example = settings.example_weight * math.sqrt(min(1.0, _FULL_EXAMPLES / max(len(label.examples), 1)))
        for example in label.examples:
            add(example, of_example)
        add(label.definition, settings.definition_weight)
        weighted = {stem: weight * (1.0 + math.log(counts[stem])) for stem, weight in weights.items()}
        gram_counts: Counter[str] = Counter()
        gram_weights: dict[str, float] = {}
        for stem, weight in weights.items():
            for gram in _grams(stem):
                gram_counts[gram] += counts[stem]
                gram_weights[gram] = max(gram_weights.get(gram, 0.0), weight)
        grams = {gram: weight * (1.0 + math.log(gram_counts[gram])) for gram, weight in gram_weights.items()}
        return _Described(
            label, weighted, grams, tuple(dict.fromkeys(phrases)), tuple(term for term in dict.fromkeys(terms) if term)
        )

    def _hear(self, lines: Sequence[AskedLine], language: str | None) -> _Heard:
        mentions: dict[str, float] = {}
        grams: dict[str, float] = {}
        turns: list[tuple[tuple[str, ...], float]] = []
        for line in lines:
            for stem in content_stems(line.text, language):
                mentions[stem] = mentions.get(stem, 0.0) + line.weight
                for gram in _grams(stem):
                    grams[gram] = grams.get(gram, 0.0) + line.weight
            turns.append((tuple(stems(words(line.text), language)), line.weight))
        return _Heard(mentions, grams, tuple(turns))

    def _score(self, described: _Described, heard: _Heard, catalogue: _Catalogue) -> tuple[float, frozenset[str]]:
        settings = self._settings
        matched = frozenset(described.stems.keys() & heard.stems.keys())
        score = _product(described.stems, heard.stems, catalogue.idf, settings.saturation)
        score += settings.subword_weight * _product(
            described.grams, heard.grams, catalogue.gram_idf, settings.saturation
        )
        for phrase in described.phrases:
            mentions = sum(
                weight for turn, weight in heard.turns if _stands_in(phrase, turn, settings.phrase_gap_words)
            )
            if mentions > 0:
                rarity = max((catalogue.idf.get(stem, 0.0) for stem in phrase), default=0.0)
                score += settings.phrase_bonus * rarity * _saturated(mentions, settings.saturation)
        return score, matched


def path_scores(scores: Mapping[Label, float]) -> dict[Label, float]:
    """Of a topic its own score, of a subtopic its topic's and its own."""
    topics = {label.topic: score for label, score in scores.items() if label.subtopic is None}
    return {
        label: score if label.subtopic is None else score + topics.get(label.topic, 0.0)
        for label, score in scores.items()
    }


def path_keywords(found: Mapping[Label, float]) -> dict[Label, float]:
    """Of a subtopic the better of its topic's and its own: `TopicMatcher.keyword_found` along the path."""
    topics = {label.topic: value for label, value in found.items() if label.subtopic is None}
    return {label: max(value, topics.get(label.topic, 0.0)) for label, value in found.items()}


def _idf(documents: Sequence[Collection[str]]) -> dict[str, float]:
    """Smoothed inverse document frequency, 1 for a word of one label."""
    frequency = Counter(word for document in documents for word in document)
    count = len(documents)
    top = math.log((1 + count) / 2) + 1
    return {word: (math.log((1 + count) / (1 + seen)) + 1) / top for word, seen in frequency.items()}


def _unit(weights: Mapping[str, float], idf: Mapping[str, float]) -> dict[str, float]:
    vector = {word: weight * idf.get(word, 0.0) for word, weight in weights.items()}
    length = math.sqrt(sum(value * value for value in vector.values())) or 1.0
    return {word: value / length for word, value in vector.items()}


def _product(
    label: Mapping[str, float], heard: Mapping[str, float], idf: Mapping[str, float], saturation: float
) -> float:
    shared = label.keys() & heard.keys()
    # Sorted so that the sum is the same in every process, whatever the order of hashes.
    return sum(label[word] * idf[word] * _saturated(heard[word], saturation) for word in sorted(shared))


def _found(term: frozenset[str], said: frozenset[str], idf: Mapping[str, float]) -> float:
    """The part of a term's weight that is said, times that weight: one of two rare words is worth half as much as a
    keyword of one rare word."""
    if term.isdisjoint(said):
        return 0.0
    whole = sum(idf.get(stem, 0.0) for stem in sorted(term))
    found = sum(idf.get(stem, 0.0) for stem in sorted(term & said))
    return found * found / whole if whole else 0.0


def _grams(stem: str) -> list[str]:
    """Character 3- to 5-grams of the word between blanks."""
    padded = f" {stem} "
    return [padded[start : start + size] for size in (3, 4, 5) for start in range(len(padded) - size + 1)]


def _in_language(label: Label, language: str | None) -> bool:
    # A topic line without languages holds its subtopics together, whatever they are in.
    return language is None or not label.languages or language in label.languages or label.subtopic is None


def _saturated(mentions: float, saturation: float) -> float:
    """0 for none, 1 for one full mention, at most 1 + saturation."""
    return mentions * (1.0 + saturation) / (mentions + saturation)


def _stands_in(phrase: Sequence[str], turn: Sequence[str], gap: int) -> bool:
    """Whether the phrase's words occur in the turn in order, with at most `gap` other words between two of them."""
    ends = [index for index, word in enumerate(turn) if word == phrase[0]]
    for wanted in phrase[1:]:
        ends = [
            index
            for index, word in enumerate(turn)
            if word == wanted and any(end < index <= end + gap + 1 for end in ends)
        ]
        if not ends:
            return False
    return bool(ends)


def counted_words(text: str, matched: frozenset[str], language: str | None) -> int:
    """How many different words that counted the text holds: its worth as evidence."""
    return len(matched.intersection(content_stems(text, language)))
