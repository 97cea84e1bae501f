"""Searching what was said: by word stems of each call's language, with quotes, times and second guesses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg.rows import tuple_row

from db.ask import ask
from db.ledger.values import clean
from db.queries.chosen import CallFilter, ask_of_chosen
from db.queries.listing import MARK_BEGIN, MARK_END
from db.records import record_row
from pipeline.records import Role, TranscriptChunk

if TYPE_CHECKING:
    from db.connection import Database

LONGEST_QUERY = 1000
LONGEST_WORD = 400
"""Characters; PostgreSQL refuses words of over 2046 bytes."""
SAMPLED_CHUNKS = 50_000
"""Of which the vocabulary for second guesses is made: seconds at most, whatever the size of the database."""
_ALIKE = 75.0
"""Least likeness of a second guess, 0..100 (rapidfuzz's ratio): two letters of eight, one of four."""
_OPERATORS = frozenset({"or", "and", "not"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit(TranscriptChunk):
    """A chunk that matches; what the search does not need of it is left out."""

    call_id: str
    file_name: str
    source_uri: str
    started_at: datetime | None
    marked: str
    """The text with MARK_BEGIN and MARK_END around the words that match."""
    rank: float
    """Higher is better; comparable within one search."""

    @property
    def at_s(self) -> float:
        """When the first word that matches is said; the start of the chunk where words have no times."""
        before = self.marked.partition(MARK_BEGIN)[0]
        pieces = self.text.split()
        if self.words is None or len(self.words) != len(pieces) or before == self.marked:
            return self.start_s
        index = min(len(before.split()), len(pieces) - 1)
        return self.words[index].start_s

    def quote(self, around: int = 80) -> str:
        """The first match with about `around` characters on each side, marks kept."""
        first, last = self.marked.find(MARK_BEGIN), self.marked.find(MARK_END)
        if first < 0:
            return self.marked[: 2 * around]
        start, end = max(0, first - around), min(len(self.marked), last + 1 + around)
        begin = self.marked.rfind(" ", 0, start) + 1 if start else 0
        stop = self.marked.find(" ", end)
        cut = self.marked[begin:] if stop < 0 else self.marked[begin:stop]
        closed = cut + MARK_END * (cut.count(MARK_BEGIN) - cut.count(MARK_END))
        return ("… " if begin else "") + closed + ("" if stop < 0 else " …")


def search(
    database: Database,
    query: str,
    *,
    role: Role | None = None,
    chosen: CallFilter | None = None,
    timezone: str = "UTC",
    limit: int = 20,
) -> list[SearchHit]:
    """Chunks of the chosen calls' current transcripts that match, best first. Takes any text.

    Parameters
    ----------
    query
        Words as one types them into a web search: all must occur; "in quotes" a phrase, OR, -without. Words match by
        their stem in the language of the chunk: `cancel` finds `cancelled`.
    role
        Only what this side said.
    """
    return ask_of_chosen(
        database,
        "calls/search",
        record_row(SearchHit),
        chosen or CallFilter(),
        timezone,
        query=askable(query),
        role=role.value if role else None,
        limit=limit,
    )


def askable(query: str) -> str:
    """The query without what PostgreSQL refuses: NUL, lone surrogates, endless words."""
    words = str(clean(query[:LONGEST_QUERY])).split()
    return " ".join(word[:LONGEST_WORD] for word in words)


def second_guess(database: Database, query: str) -> str | None:
    """The query with each word that nobody said replaced by the likest one that somebody did; None without any.

    For a search without hits. Words come from a sample of what was said (SAMPLED_CHUNKS), so that a word said rarely in
    a large database may be missed.
    """
    from rapidfuzz import fuzz, process

    spoken: dict[str, int] = dict(ask(database, "calls/spoken_words", tuple_row, chunks=SAMPLED_CHUNKS))
    changed = False

    def likest(match: re.Match[str]) -> str:
        nonlocal changed
        word = match[0]
        if word.casefold() in spoken or word.casefold() in _OPERATORS or len(word) < 3:
            return word
        near = process.extract(word.casefold(), list(spoken), scorer=fuzz.ratio, score_cutoff=_ALIKE, limit=5)
        if not near:
            return word
        changed = True
        return max(near, key=lambda found: (found[1], spoken[found[0]], found[0]))[0]

    guess = re.sub(r"\w+", likest, askable(query))
    return guess if changed else None
