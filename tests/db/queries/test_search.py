"""Searching what was said."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.queries.calls import search
from pipeline.records import Role


@pytest.mark.parametrize(
    ("query", "options", "places"),
    [
        ("card", {}, {(0, 0), (1, 0)}),
        ("card", {"role": Role.AGENT}, {(1, 0)}),
        ("card -twice", {}, {(1, 0)}),
        ('"charged twice"', {}, {(0, 0)}),
        ("twice OR merci", {}, {(0, 0), (0, 1)}),
        ("refund", {}, {(1, 0)}),
        ("refunding", {}, set()),
        ("refunding", {"language": "en"}, {(1, 0)}),
        ("refunding", {"language": "fr"}, set()),
        ("arrivée", {}, {(0, 1)}),
        ("sorry", {}, set()),
        ("'; DROP TABLE calls; --", {}, set()),
        ("", {}, set()),
    ],
)
def test_what_a_search_finds(
    talk: str, database: Database, query: str, options: dict[str, object], places: set[tuple[int, int]]
) -> None:
    hits = search(database, query, **options)  # type: ignore[arg-type]
    assert {(hit.channel, hit.ordinal) for hit in hits} == places
    assert {hit.call_id for hit in hits} <= {talk}


def test_a_search_has_a_limit(talk: str, database: Database) -> None:
    (hit,) = search(database, "card", limit=1)
    assert hit.file_name == "a.wav"
    assert hit.rank > 0
