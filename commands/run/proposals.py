"""Terms proposed by calls that match no topic, for the person who maintains the glossary:
`proposed_terms_<stamp>.csv`."""

from __future__ import annotations

import csv
from pathlib import Path

from analysis.glossary.catalogue import OTHER
from analysis.topics.proposals import proposed_terms
from db.connection import Database
from db.export.cells import defused
from db.export.files import whole_file
from db.queries.calls import topics_with_proposed_terms

COLUMNS = ("term", "calls", "catalogue", "glossary")


def write_proposals(database: Database, run_id: str, path: Path) -> Path | None:
    """All terms proposed by calls answered `other`, the most frequent first; None when this run added none."""
    topics = topics_with_proposed_terms(database, OTHER, run_id)
    if not topics:
        return None
    with whole_file(path) as aside, aside.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for proposed in proposed_terms(topics):
            writer.writerow(
                (defused(proposed.term, ","), proposed.calls, proposed.catalogue, (proposed.glossary or "")[:16])
            )
    return path
