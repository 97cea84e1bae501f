"""Terms that calls about something else brought up, for whoever keeps the glossary: `proposed_terms_<stamp>.csv`."""

from __future__ import annotations

import csv
from pathlib import Path

from analysis.glossary.catalogue import OTHER
from analysis.records import Topic
from analysis.topics.proposals import proposed_terms
from db.connection import Database
from db.export.cells import defused
from db.export.files import whole_file

COLUMNS = ("term", "calls", "catalogue", "glossary")

_NEW = """
    SELECT EXISTS (SELECT 1 FROM call_steps WHERE run_id = %s AND step = 'topic' AND payload->>'topic' = %s
                   AND jsonb_array_length(payload->'proposed_terms') > 0)
"""
_ALL = """
    SELECT payload->>'catalogue', payload->>'glossary_hash', payload->'proposed_terms' FROM call_steps
    WHERE step = 'topic' AND payload->>'topic' = %s AND jsonb_array_length(payload->'proposed_terms') > 0
"""


def write_proposals(database: Database, run_id: str, path: Path) -> Path | None:
    """All terms calls answered `other` have proposed, the most frequent first; None when this run brought none."""
    with database.connection() as connection:
        (found,) = connection.execute(_NEW, [run_id, OTHER]).fetchone() or (False,)
        if not found:
            return None
        rows = connection.execute(_ALL, [OTHER]).fetchall()
    topics = [
        Topic(
            topic=OTHER,
            subtopic=None,
            confidence=None,
            catalogue=catalogue,
            glossary_hash=glossary,
            proposed_terms=tuple(terms),
        )
        for catalogue, glossary, terms in rows
    ]
    with whole_file(path) as aside, aside.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for one in proposed_terms(topics):
            writer.writerow((defused(one.term), one.calls, one.catalogue, (one.glossary or "")[:16]))
    return path
