"""Short calls in a database, for questions across them."""

from __future__ import annotations

from db.ledger.store import PostgresStore
from pipeline.records import TranscriptChunk
from tests.db.samples import chunk, found, outcome, prepared, transcript

CANCELS = (
    "c: hello I want to cancel my contract",
    "a: may I ask why",
    "c: the price is too high",
    "a: I will end it for you",
    "c: thank you",
)
CARD = ("a: how can I help", "c: my card was stolen on the train", "a: it is blocked now")
SLOW = ("a: good morning", "c: the internet is down since Monday", "a: a technician will come")


def talk(*lines: str) -> tuple[TranscriptChunk, ...]:
    """`c:` is the client on channel 0, `a:` the agent on channel 1; a line every 2.5 s."""
    ordinals = {"c": 0, "a": 0}
    chunks = []
    for place, line in enumerate(lines):
        who, text = line.split(": ", 1)
        chunks.append(chunk(int(who == "a"), ordinals[who], 2.5 * place, text))
        ordinals[who] += 1
    return tuple(chunks)


def store_call(
    store: PostgresStore,
    run_id: str,
    name: str,
    *lines: str,
    language: str | None = "en",
    fingerprint: str | None = None,
) -> str:
    """Its call_id."""
    call = found(f"{name}.wav")
    call_id = store.claim_call(call, name, None)
    words = transcript(fingerprint or f"f-{name}", talk(*lines), language=language)
    store.save_call(outcome(call_id, run_id, call, audio=prepared(name), words=words, steps=()))
    return call_id
