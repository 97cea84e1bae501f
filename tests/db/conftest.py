"""A call with words of both sides, stored, and one whose transcript was replaced."""

from __future__ import annotations

import pytest

from db.ledger.store import PostgresStore
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
