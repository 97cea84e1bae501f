"""Searching what was said."""

from __future__ import annotations

import pytest

from db.connection import Database
from db.ledger.store import PostgresStore
from db.queries.calls import search
from pipeline.records import Role
from tests.db.samples import chunk, found, outcome, prepared, transcript

SAID = (
    chunk(0, 0, 0.0, "My card was charged twice"),
    chunk(1, 0, 2.0, "I refunded the charge, the card is fine"),
    chunk(0, 1, 4.0, "merci, la facture n'est pas arrivée"),
)


@pytest.fixture
def talk(store: PostgresStore, run_id: str) -> str:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id, words=transcript(chunks=SAID), steps=()))
    old = store.claim_call(found("b.wav"), "bb", None)
    store.save_call(outcome(old, run_id, found("b.wav"), audio=prepared("bb"), words=transcript("f2"), steps=()))
    # f2 is replaced: its words are found no more
    store.save_call(
        outcome(old, run_id, found("b.wav"), audio=prepared("bb"), words=transcript("f3", chunks=()), steps=())
    )
    return call_id


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
