"""Full-text search in what was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.records import Role

if TYPE_CHECKING:
    from db.connection import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A chunk that matches."""

    call_id: str
    file_name: str
    source_uri: str
    channel: int
    ordinal: int
    role: Role
    start_s: float
    text: str
    rank: float
    """Higher is better; comparable within one search."""


QUERY = """
    WITH asked AS (
        SELECT websearch_to_tsquery('pg_catalog.simple', %(query)s)
            || websearch_to_tsquery(search_language(%(language)s), %(query)s) AS terms
    )
    SELECT k.call_id, c.file_name, c.source_uri, k.channel, k.ordinal, k.role, k.start_s, k.text,
           ts_rank(k.search, asked.terms) AS rank
    FROM asked, chunks k JOIN calls c ON c.call_id = k.call_id
    WHERE k.search @@ asked.terms AND (%(role)s::text IS NULL OR k.role = %(role)s)
        AND (%(language)s::text IS NULL OR k.language IS NULL OR k.language = %(language)s)
    ORDER BY rank DESC, c.started_at DESC NULLS LAST, c.source_uri, k.start_s, k.channel, k.ordinal
    LIMIT %(limit)s
"""


def search(
    database: Database, query: str, *, role: Role | None = None, language: str | None = None, limit: int = 20
) -> list[SearchHit]:
    """Chunks of current transcripts that match, best first.

    Parameters
    ----------
    query
        Words as one types them into a web search: all must occur; "in quotes" a phrase, OR, -without.
    role
        Only what this side said.
    language
        ISO 639-1; matches word stems of that language too (`refunded` finds `refund`), in chunks of that language.
    limit
        Most hits.
    """
    parameters = {"query": query, "role": role.value if role else None, "language": language, "limit": limit}

    def work(connection: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = connection.execute(QUERY, parameters).fetchall()
        return rows

    return [
        SearchHit(
            call_id=str(call_id),
            file_name=file_name,
            source_uri=source_uri,
            channel=channel,
            ordinal=ordinal,
            role=Role(said_by),
            start_s=start_s,
            text=text,
            rank=rank,
        )
        for call_id, file_name, source_uri, channel, ordinal, said_by, start_s, text, rank in database.patiently(work)
    ]
