"""Questions about calls and what was said in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import scalar_row, tuple_row

from analysis.records import Topic
from db.ask import ask
from db.records import record_row

if TYPE_CHECKING:
    from db.connection import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscribedCall:
    """A call that is done."""

    file_names: tuple[str, ...]
    """Two where it has a file for each side."""
    call_key: str | None
    """Of a call in two files: what both names say of it."""
    duration_s: float
    transcript_fingerprint: str
    flags: tuple[str, ...]
    recognised_in_s: float | None
    """Wall seconds, in which other calls were recognised as well; None where its transcript was there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposal:
    catalogue: str | None
    glossary_hash: str | None
    proposed_terms: tuple[str, ...]


def status_counts(database: Database, run_id: str | None = None) -> dict[str, int]:
    """Number of calls by status: of all calls, or of those that were last written by one run."""
    return dict(ask(database, "calls/by_status", tuple_row, run_id=run_id))


def calls_to_deliver_of(database: Database, run_id: str) -> list[str]:
    """Calls that this run completed, and those of earlier runs that ended without delivering them; oldest first."""
    return ask(database, "calls/to_deliver", scalar_row, run_id=run_id)


def transcribed_calls(database: Database) -> list[TranscribedCall]:
    """Calls that are done, by file name."""
    return ask(database, "calls/transcribed", record_row(TranscribedCall))


def topics_with_proposed_terms(database: Database, topic: str, run_id: str) -> list[Topic]:
    """Answers `topic` of all calls that proposed terms for the glossary; empty where this run proposed none."""
    rows = ask(database, "calls/proposed_terms", record_row(_Proposal), topic=topic, run_id=run_id)
    return [
        Topic(
            topic=topic,
            subtopic=None,
            confidence=None,
            catalogue=row.catalogue,
            glossary_hash=row.glossary_hash,
            proposed_terms=row.proposed_terms,
        )
        for row in rows
    ]
