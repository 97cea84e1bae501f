"""A call's transcript as Document -> segments -> lines -> words, read from the tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from db.records import adapter
from pipeline.records import TranscriptChunk

if TYPE_CHECKING:
    from db.connection import Database

STEPS = ("text", "acoustic", "fusion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment(TranscriptChunk):
    """One chunk: a stretch of speech of one side; without `language` and `speech`."""

    sentiments: Mapping[str, Mapping[str, float] | None]
    """By step (text, acoustic, fusion): probabilities of negative, neutral, positive; None when there are none."""

    @property
    def mood(self) -> Mapping[str, float] | None:
        """The best-founded sentiment there is: fused, else of the words, else of the voice."""
        return next((self.sentiments[step] for step in ("fusion", "text", "acoustic") if self.sentiments[step]), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A call with its current transcript, segments in time order."""

    call: Mapping[str, Any]
    """The row of `calls`."""
    segments: tuple[Segment, ...]

    @property
    def call_id(self) -> str:
        return str(self.call["call_id"])


BATCH = 20
"""Calls read at a time; one may have five thousand turns."""


def documents(database: Database, call_ids: Iterable[str]) -> Iterator[Document]:
    """Documents in the order given; calls without a transcript (failed, skipped) are left out."""
    wanted = iter(call_ids)
    while batch := list(islice(wanted, BATCH)):
        ids = [uuid.UUID(call_id) for call_id in batch]
        calls, segments = database.patiently(lambda connection, wanted=ids: _read(connection, wanted))  # type: ignore[misc]
        for call_id in ids:
            if call_id in calls and calls[call_id]["transcript_fingerprint"] is not None:
                yield Document(call=calls[call_id], segments=tuple(segments.get(call_id, ())))


def _read(
    connection: Any, ids: Sequence[uuid.UUID]
) -> tuple[dict[uuid.UUID, Mapping[str, Any]], dict[uuid.UUID, list[Segment]]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT * FROM calls WHERE call_id = ANY(%s)", [list(ids)])
        calls = {row["call_id"]: row for row in cursor}
        cursor.execute(
            """SELECT call_id, channel, ordinal, role, start_s, end_s, text, words, confidence, flags,
                      text_probabilities, acoustic_probabilities, fusion_probabilities
               FROM chunks WHERE call_id = ANY(%s) ORDER BY call_id, start_s, channel, ordinal""",
            [list(ids)],
        )
        segments: dict[uuid.UUID, list[Segment]] = {}
        for row in cursor:
            row["sentiments"] = {step: row[f"{step}_probabilities"] for step in STEPS}
            segments.setdefault(row["call_id"], []).append(adapter(Segment).validate_python(row))
    return calls, segments
