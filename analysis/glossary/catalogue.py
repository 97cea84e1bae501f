"""A glossary as records: topics, subtopics, domain terms, abbreviations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

OTHER = "other"
"""A model's answer when no label fits, along with terms it proposes; no label of a catalogue may have this name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A topic (`subtopic` None) or a subtopic, with what describes it."""

    topic: str
    subtopic: str | None = None
    definition: str = ""
    keywords: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    """What a caller might say."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes its words are in; empty for the catalogue's."""

    @property
    def path(self) -> str:
        """`topic > subtopic`, or the topic alone."""
        return self.topic if self.subtopic is None else f"{self.topic} > {self.subtopic}"

    @property
    def is_bare(self) -> bool:
        """Whether it has nothing but its name."""
        return not (self.keywords or self.definition or self.examples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word of the trade, or an abbreviation with what it stands for."""

    text: str
    meaning: str = ""
    abbreviation: bool = False


@dataclass(frozen=True, kw_only=True)
class Glossary:
    """One catalogue. Topics keep the order of the file; paths are unique. Values derived from it are cached."""

    name: str
    """`b2b`, `b2c` or the file's name without its ending."""
    languages: tuple[str, ...]
    """ISO 639-1 codes its words are in; empty for any."""
    labels: tuple[Label, ...]
    """Each topic is followed by its subtopics."""
    terms: tuple[Term, ...] = ()

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the content: the version. The same content from .yaml, .csv and .xlsx has the same hash."""
        canonical = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def topics(self) -> tuple[Label, ...]:
        return tuple(label for label in self.labels if label.subtopic is None)

    @cached_property
    def _below(self) -> Mapping[str, tuple[Label, ...]]:
        """Topic -> its subtopics."""
        below: dict[str, list[Label]] = {}
        for label in self.labels:
            if label.subtopic is not None:
                below.setdefault(label.topic, []).append(label)
        return {topic: tuple(labels) for topic, labels in below.items()}

    def subtopics(self, topic: str) -> tuple[Label, ...]:
        return self._below.get(topic, ())

    def speaks(self, language: str | None) -> bool:
        """Whether its words can be matched with a call in this language; an unknown language matches."""
        known = set(self.languages).union(*(label.languages for label in self.labels))
        return language is None or not self.languages or language in known

    def context_terms(self, limit: int) -> list[str]:
        """Names, product words and abbreviations for a recogniser's vocabulary. Keywords are not among them: they are
        common words, which a recogniser knows, and writes where nobody says them."""
        return fitting((term.text for term in self.terms), limit)


def fitting(terms: Iterable[str], limit: int) -> list[str]:
    """Distinct terms, none cut short, that come to at most `limit` characters when joined by `, `."""
    chosen: dict[str, str] = {}
    length = 0
    for term in terms:
        cost = len(term) + (2 if chosen else 0)
        if term.casefold() not in chosen and length + cost <= limit:
            chosen[term.casefold()] = term
            length += cost
    return list(chosen.values())
