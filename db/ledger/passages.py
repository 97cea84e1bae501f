"""Writing passages of transcripts, and their vectors where the server has pgvector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import errors, sql
from psycopg.rows import scalar_row

from db.ask import ask, change
from db.records import record_row
from pipeline.records import TranscriptChunk

if TYPE_CHECKING:
    from psycopg import Connection

    from db.connection import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptToIndex:
    """A transcript that some call shows and that is not indexed as it is now."""

    fingerprint: str
    chunks_hash: str
    language: str | None
    """ISO 639-1."""
    chunks: tuple[TranscriptChunk, ...]


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """Where a passage is, and its vector; None where it has none."""

    start_s: float
    until_s: float
    vector: Sequence[float] | None


def why_no_vectors(database: Database) -> str | None:
    """Make sure of pgvector; None, or why the database cannot hold vectors."""

    def work(connection: Connection[Any]) -> bool:
        # Two processes that index at once make it once.
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('earshot passages', 0))")
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        found = connection.execute("SELECT to_regtype('halfvec') IS NOT NULL").fetchone()
        return bool(found and found[0])

    try:
        if database.patiently(work):
            return None
    except (errors.FeatureNotSupported, errors.UndefinedFile):
        return "this database server does not have pgvector; its administrator can install it"
    except errors.InsufficientPrivilege:
        return "this account may not create extensions; let the database's administrator run CREATE EXTENSION vector"
    return (
        "pgvector on this server is older than 0.7, or in a schema outside search_path; let its administrator update "
        "or move it"
    )


def make_room_for_vectors(database: Database, dimensions: int) -> None:
    """Make the column of vectors where it is missing or of another size: then its vectors were another encoder's."""
    wanted = f"halfvec({dimensions})"

    def work(connection: Connection[Any]) -> None:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('earshot passages', 0))")
        if _column(connection) == wanted:
            return
        connection.execute("ALTER TABLE passages DROP COLUMN IF EXISTS vector")
        connection.execute(sql.SQL("ALTER TABLE passages ADD COLUMN vector {}").format(sql.SQL(wanted)))
        connection.execute(
            "COMMENT ON COLUMN passages.vector IS 'Direction of its meaning (indexed_transcripts.recipe), length 1.'"
        )

    database.patiently(work)


def _column(connection: Connection[Any]) -> str | None:
    row = connection.execute(
        """SELECT format_type(atttypid, atttypmod) FROM pg_attribute
           WHERE attrelid = 'passages'::regclass AND attname = 'vector' AND NOT attisdropped"""
    ).fetchone()
    return None if row is None else str(row[0])


def left_to_index(database: Database, recipes: Sequence[str]) -> int:
    """How many transcripts are to be indexed."""
    return int(ask(database, "questions/left_to_index", scalar_row, recipes=list(recipes))[0])


def transcripts_to_index(database: Database, recipes: Sequence[str], most: int) -> list[TranscriptToIndex]:
    """Up to `most` transcripts that calls show, newest first, not indexed as they are under one of `recipes`."""
    return ask(database, "questions/to_index", record_row(TranscriptToIndex), recipes=list(recipes), most=most)


def store_passages(
    database: Database, transcript: TranscriptToIndex, recipe: str, passages: Sequence[StoredPassage], *, vectors: bool
) -> bool:
    """Replace the transcript's passages; False where it changed or went meanwhile, and nothing was stored.

    Args:
        vectors: whether the table has the column (`make_room_for_vectors`).
    """

    def work(connection: Connection[Any]) -> bool:
        current = connection.execute(
            "SELECT 1 FROM transcripts WHERE fingerprint = %s AND chunks_hash = %s FOR SHARE",
            [transcript.fingerprint, transcript.chunks_hash],
        ).fetchone()
        if current is None:
            return False
        connection.execute(
            """INSERT INTO indexed_transcripts (transcript_fingerprint, chunks_hash, recipe) VALUES (%s, %s, %s)
               ON CONFLICT (transcript_fingerprint) DO UPDATE
               SET chunks_hash = excluded.chunks_hash, recipe = excluded.recipe, indexed_at = now()""",
            [transcript.fingerprint, transcript.chunks_hash, recipe],
        )
        connection.execute("DELETE FROM passages WHERE transcript_fingerprint = %s", [transcript.fingerprint])
        statement = _WITH_VECTORS if vectors else _WITHOUT_VECTORS
        connection.execute(
            statement,
            {
                "fingerprint": transcript.fingerprint,
                "starts": [passage.start_s for passage in passages],
                "ends": [passage.until_s for passage in passages],
                "vectors": [None if passage.vector is None else _text(passage.vector) for passage in passages],
            },
        )
        return True

    return database.patiently(work)


def drop_superseded_passages(database: Database) -> None:
    """Take transcripts that no call shows any more out of the index."""
    change(
        database,
        """DELETE FROM indexed_transcripts i
           WHERE NOT EXISTS (SELECT FROM calls c WHERE c.transcript_fingerprint = i.transcript_fingerprint)""",
        (),
    )


_WITH_VECTORS = """
    INSERT INTO passages (transcript_fingerprint, number, start_s, until_s, vector)
    SELECT %(fingerprint)s, place - 1, start_s, until_s, vector::halfvec
    FROM unnest(%(starts)s::float8[], %(ends)s::float8[], %(vectors)s::text[])
        WITH ORDINALITY AS given (start_s, until_s, vector, place)
"""
_WITHOUT_VECTORS = """
    INSERT INTO passages (transcript_fingerprint, number, start_s, until_s)
    SELECT %(fingerprint)s, place - 1, start_s, until_s
    FROM unnest(%(starts)s::float8[], %(ends)s::float8[]) WITH ORDINALITY AS given (start_s, until_s, place)
"""


def _text(vector: Sequence[float]) -> str:
    """As pgvector reads it; half precision keeps three digits."""
    return f"[{','.join(f'{value:.5g}' for value in vector)}]"
