"""What is found for a question, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pipeline.records import TranscriptChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage, by its call and its number in it."""

    call_id: str
    number: int
    score: float
    """Higher is better; comparable within one list."""

    @property
    def key(self) -> tuple[str, int]:
        return self.call_id, self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A few neighbouring turns of a call, as they are stored now."""

    call_id: str
    number: int
    file_name: str
    started_at: datetime | None
    agent_id: str | None
    language: str | None
    """ISO 639-1."""
    lines: tuple[TranscriptChunk, ...]
    """In order of time."""
    lead: tuple[TranscriptChunk, ...] = ()
    """The last lines before it."""

    @property
    def key(self) -> tuple[str, int]:
        return self.call_id, self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """Where it was looked: how many of the calls that the filter chooses."""

    calls: int
    """With words."""
    indexed: int
    """Of them, those that were looked through."""
    alike: int
    """Of them, those with vectors of the encoder in use."""
    vectors: str | None
    """Type of the column of vectors; None where the database has none."""
    spoken: Mapping[str, int] = field(default_factory=dict)
    """By language (ISO 639-1), how many of `alike`; those of unknown language are left out."""


class Finds(Protocol):
    """Where passages are found, within the calls that a filter chooses."""

    def searched(self, recipe: str) -> Searched: ...

    def nearest(self, vector: Sequence[float], recipe: str, limit: int) -> list[Hit]:
        """By cosine, which is the score."""
        ...

    def frequencies(self, words: Sequence[str]) -> dict[str, float]:
        """Of each word, in what share of all chunks it is said, 0..1; frequent words are not counted to the end."""
        ...

    def said(self, weights: dict[str, float], limit: int) -> list[Hit]:
        """By the sum of the weights of those words that are said in a passage, in the stems of its language."""
        ...

    def passages(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Passage]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBefore:
    """What was said right before a quote, verbatim."""

    role: str
    start_s: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A line of a call, verbatim."""

    call_id: str
    file_name: str
    started_at: datetime | None
    agent_id: str | None
    role: str
    channel: int
    ordinal: int
    start_s: float
    text: str
    likeness: float | None
    """Cosine to the question, -1..1; None without vectors."""
    rank: int
    """Place among all that was found, from 0."""
    before: LineBefore | None = None
    """Where the quote is hardly understood without it: "yes, please"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Quotes that say much the same."""

    quotes: tuple[Quote, ...]
    """The one that fits the question best comes first."""

    @property
    def calls(self) -> tuple[str, ...]:
        """Ids of the calls, each once."""
        return tuple(dict.fromkeys(quote.call_id for quote in self.quotes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a language model that quotes of several calls bear out."""

    text: str
    group: int
    """Place of its group in the answer."""
    quotes: tuple[Quote, ...]
    """Those it names, each found verbatim in what is stored."""
    calls: int
    """Calls of those quotes: each bears it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a question."""

    question: str
    """As it was looked for."""
    found: bool
    """Whether anything in the calls answers it."""
    sentences: tuple[Sentence, ...]
    """Empty without a language model, and where nothing it wrote held."""
    groups: tuple[Group, ...]
    """The one of most calls first; empty where nothing was found."""
    nearest: tuple[Quote, ...]
    """Where nothing was found: what came nearest, for a reader's own judgement."""
    searched: Searched
    notes: tuple[str, ...]
    """What is missing, and why: sentences for the reader."""
    dropped: int = 0
    """Sentences of the model that did not hold."""
    model: str | None = None
    cost_usd: float | None = None

    @property
    def answering_calls(self) -> int:
        """How many calls its groups quote: at least so many answer."""
        return len({call for group in self.groups for call in group.calls})

    @property
    def quoted_calls(self) -> tuple[str, ...]:
        """Ids of all calls whose words are in it, each once."""
        quotes = [*self.nearest, *(quote for group in self.groups for quote in group.quotes)]
        return tuple(dict.fromkeys(quote.call_id for quote in quotes))
