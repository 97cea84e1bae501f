"""Finding passages of calls for questions across them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import tuple_row

from analysis.questions.records import Hit, Passage, Searched
from db.ask import ask
from db.queries.chosen import CallFilter, ask_of_chosen
from db.records import record_row

if TYPE_CHECKING:
    from db.connection import Database

COUNTED_CHUNKS = 20_000
"""In more chunks than these a word is not counted: it is frequent, and counting is to end soon."""

LEAD_CHUNKS = 4
"""Chunks before a passage that are read with it: what its first line answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A row of questions/state."""

    language: str | None
    in_all: bool
    calls: int
    indexed: int
    alike: int
    vectors: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPassages:
    """The passages of the calls that a filter chooses (`analysis.questions.records.Finds`)."""

    database: Database
    chosen: CallFilter
    timezone: str

    def searched(self, recipe: str) -> Searched:
        states = ask_of_chosen(
            self.database, "questions/state", record_row(_State), self.chosen, self.timezone, recipe=recipe
        )
        (whole,) = (state for state in states if state.in_all)
        return Searched(
            calls=whole.calls,
            indexed=whole.indexed,
            alike=whole.alike,
            vectors=whole.vectors,
            spoken={state.language: state.alike for state in states if state.language is not None and not state.in_all},
        )

    def nearest(self, vector: Sequence[float], recipe: str, limit: int) -> list[Hit]:
        text = f"[{','.join(f'{value:.6g}' for value in vector)}]"
        return ask_of_chosen(
            self.database, "questions/nearest", record_row(Hit), self.chosen, self.timezone,
            vector=text, recipe=recipe, limit=limit,
        )  # fmt: skip

    def frequencies(self, words: Sequence[str]) -> dict[str, float]:
        rows = ask(self.database, "questions/frequencies", tuple_row, words=list(words), most=COUNTED_CHUNKS)
        return {word: min(1.0, chunks / max(all_chunks, chunks, 1)) for word, chunks, all_chunks in rows}

    def said(self, weights: dict[str, float], limit: int) -> list[Hit]:
        if not weights:
            return []
        return ask_of_chosen(
            self.database, "questions/said", record_row(Hit), self.chosen, self.timezone,
            words=list(weights), weights=list(weights.values()), any=" or ".join(weights), limit=limit,
        )  # fmt: skip

    def passages(self, keys: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Passage]:
        found = ask_of_chosen(
            self.database, "questions/passages", record_row(Passage), self.chosen, self.timezone,
            calls=[uuid.UUID(call_id) for call_id, _ in keys], numbers=[number for _, number in keys],
            lead=LEAD_CHUNKS,
        )  # fmt: skip
        return {passage.key: passage for passage in found}
