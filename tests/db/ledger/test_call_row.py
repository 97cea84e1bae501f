"""Reasons and language of a call's row, and two workers that store at once."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from analysis.records import CallSentiment, RoleSentiment, Topic
from db.connection import Database
from db.ledger.store import PostgresStore
from db.ledger.work.claims import PostgresClaims
from pipeline.records import Role, StepResult, StepState
from tests.db.ledger.test_store import keep, one, reasons
from tests.db.samples import CALM, all_steps, found, identity, outcome, prepared, sentiments, step, transcript


@pytest.mark.parametrize(
    ("poor", "stale"),
    [
        (step("topic", None, state=StepState.MISSING, reason="nothing matches"), "topic"),
        (step("topic", Topic(topic="Billing", subtopic=None, confidence=None)), "topic_confidence"),
        (step("summary", None, state=StepState.FAILED, reason="provider down"), "summary"),
        (step("conversation", None, state=StepState.MISSING, reason="nobody speaks"), "conversation"),
        *(
            (replace(sentiments(name), payload=None, state=StepState.FAILED, reason="no model"), name)
            for name in ("text", "acoustic", "fusion")
        ),
        (replace(sentiments("acoustic")), "client_acoustic"),
        (step("text", CallSentiment(roles=(), chunks=())), "unknown_text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_reason_goes_when_its_step_is_redone_with_a_value(
    store: PostgresStore, database: Database, run_id: str, poor: StepResult, stale: str
) -> None:
    """Why a value is NULL stood on beside the value."""
    others = tuple(result for result in whole_steps() if result.step != poor.step)
    call_id = keep(store, run_id, steps=(*others, poor))
    assert stale in reasons(database)
    (good,) = (result for result in whole_steps() if result.step == poor.step)
    assert store.save_call(replace(outcome(call_id, run_id, steps=(good,)), prepared=None, transcript=None))
    assert reasons(database) == {}


def test_the_reasons_of_other_steps_stay(store: PostgresStore, database: Database, run_id: str) -> None:
    poor = step("topic", None, state=StepState.MISSING, reason="nothing matches")
    down = step("summary", None, state=StepState.FAILED, reason="provider down")
    call_id = keep(store, run_id, steps=(poor, down))
    (topic,) = (result for result in whole_steps() if result.step == "topic")
    assert store.save_call(replace(outcome(call_id, run_id, steps=(topic,)), prepared=None, transcript=None))
    assert reasons(database) == {"summary": "provider down"}


def test_reasons_of_steps_that_a_new_transcript_did_without_go(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    call_id = keep(store, run_id, steps=(step("topic", None, state=StepState.MISSING, reason="nothing matches"),))
    newer = transcript("f2", who=replace(identity(), revision="r2"))
    assert store.save_call(outcome(call_id, run_id, words=newer, steps=()))
    assert reasons(database) == {}


def whole_steps() -> tuple[StepResult, ...]:
    """Every step with a value for everybody."""
    made = []
    for result in all_steps():
        if isinstance(result.payload, CallSentiment):
            roles = tuple(RoleSentiment(role=role, sentiment=CALM) for role in Role)
            result = replace(result, payload=replace(result.payload, roles=roles))  # noqa: PLW2901
        made.append(result)
    return tuple(made)


@pytest.mark.parametrize(
    ("heard", "named", "stored"), [("en", "fr", "en"), (None, "fr", "fr"), (None, None, None), ("en", None, "en")]
)
def test_the_language_is_the_transcripts_or_else_the_metadatas(  # noqa: PLR0917
    store: PostgresStore, database: Database, run_id: str, heard: str | None, named: str | None, stored: str | None
) -> None:
    call = replace(found(), metadata=replace(found().metadata, language=named))
    keep(store, run_id, call, words=transcript(language=heard))
    assert one(database, "SELECT language FROM calls") == stored


@pytest.mark.parametrize(
    ("heard", "probability", "named", "why"),
    [
        ("en", 0.9, None, None),
        (None, 0.31, "fr", None),
        (None, 0.31, None, "the likeliest one has a probability of 0.31, which is too little; "),
        (None, None, None, "the recogniser names none"),
    ],
)
def test_why_a_call_has_no_language(  # noqa: PLR0917
    store: PostgresStore,
    database: Database,
    run_id: str,
    heard: str | None,
    probability: float | None,
    named: str | None,
    why: str | None,
) -> None:
    call = replace(found(), metadata=replace(found().metadata, language=named))
    unsure = replace(transcript(language=heard), language_probability=probability)
    call_id = keep(store, run_id, call, words=unsure)
    told = one(database, "SELECT missing_reasons->>'language' FROM calls")
    assert told is None if why is None else told.startswith(why)
    assert store.save_call(replace(outcome(call_id, run_id), transcript=transcript("again", language="en")))
    assert one(database, "SELECT missing_reasons->>'language' FROM calls") is None


def test_why_a_track_could_not_be_decoded_is_a_reason_until_it_can_be(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    call_id = keep(store, run_id)
    reason = "SELECT missing_reasons->>'undecodable_track' FROM calls"
    broken = replace(prepared(), notes={"undecodable_track": "a.wav: no decoder", "not_diarised": "told elsewhere"})
    assert store.save_call(outcome(call_id, run_id, audio=broken))
    assert one(database, reason) == "a.wav: no decoder"
    assert store.save_call(replace(outcome(call_id, run_id, steps=()), prepared=None, transcript=None))
    assert one(database, reason) == "a.wav: no decoder", "analysis alone tells nothing of the audio"
    assert store.save_call(outcome(call_id, run_id))
    assert one(database, reason) is None


def test_two_workers_may_store_the_transcript_of_the_same_audio_at_once(store: PostgresStore) -> None:
    """The second one's chunks met the first one's."""
    words, faults = transcript("same"), list[BaseException]()
    together = threading.Barrier(2)

    def save() -> None:
        together.wait()
        try:
            store.save_transcript(words, "aa")
        except BaseException as error:  # noqa: BLE001 - told by the assertion
            faults.append(error)

    for _ in range(5):
        threads = [threading.Thread(target=save) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with store.database.connection() as connection:
            connection.execute("DELETE FROM transcripts")
    assert faults == []


def test_of_two_copies_of_a_moved_recording_one_gets_its_call(store: PostgresStore, run_id: str) -> None:
    """Two workers that begin with the copies at once found both that the old address is gone."""
    old = store.claim_call(found("gone.wav"), "aa", None)
    assert store.save_call(outcome(old, run_id, found("gone.wav")))
    copies = [found("copy1.wav"), found("copy2.wav")]
    PostgresClaims(store.database, "one", "hash", 60).enqueue(run_id, {call.source_uri: "{}" for call in copies})
    first, second = (store.claim_call(call, "aa", old) for call in copies)
    assert first == old
    assert second != old


def test_the_side_of_a_call_that_was_one_of_its_own_no_longer_counts_and_stays_readable(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    sides = (found("a-in.wav"), found("a-out.wav"))
    alone = store.claim_call(sides[1], "b", None)
    other = store.claim_call(found("b-out.wav"), "c", None)
    for call_id, call in ((alone, sides[1]), (other, found("b-out.wav"))):
        assert store.save_call(outcome(call_id, run_id, call))
    both = replace(sides[0], sides=sides)
    call_id = store.claim_call(both, "a", None)
    assert store.save_call(outcome(call_id, run_id, both))
    rows = "SELECT call_id::text, status, error_type, error_message, failed_runs FROM calls"
    with database.connection() as connection:
        kept = {row[0]: row[1:] for row in connection.execute(rows).fetchall()}
        texts = connection.execute("SELECT count(*) FROM chunks WHERE call_id = %s", [alone]).fetchone()
    assert kept[alone] == ("skipped", "side_of_call", f"the other side of a-in.wav, call {call_id}", 0)
    assert kept[other][:2] == ("done", None)
    assert kept[call_id][:2] == ("done", None)
    assert texts is not None
    assert texts[0] > 0
