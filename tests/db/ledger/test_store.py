"""The ledger: what goes in comes out, once, and nothing better is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analysis.records import Sentiment, Topic
from db.connection import Database
from db.ledger.store import PostgresStore
from db.migrate import SCHEMA
from pipeline.records import (
    ORDERS_FLAG,
    CallStatus,
    FoundCall,
    KnownCall,
    Role,
    SegmentText,
    StepState,
    Transcript,
    Word,
)
from tests.db.samples import (
    TALK,
    all_steps,
    attention,
    chunk,
    found,
    outcome,
    prepared,
    sentiments,
    step,
    transcript,
)


def rows(database: Database, query: str, *values: object) -> list[tuple[Any, ...]]:
    with database.connection() as connection:
        return connection.execute(query.encode(), values).fetchall()


def one(database: Database, query: str, *values: object) -> Any:
    return rows(database, query, *values)[0][0]


def keep(store: PostgresStore, run_id: str, call: FoundCall | None = None, **changes: Any) -> str:
    """Store a call as a run does; returns its id."""
    call = call or found()
    audio = changes.get("audio") or prepared()
    call_id = store.claim_call(call, audio.audio_sha256, None)
    words = changes.get("words") or transcript()
    store.save_transcript(words, audio.audio_sha256)
    assert store.save_call(outcome(call_id, run_id, call, **changes))
    return call_id


def known(store: PostgresStore, call: FoundCall | None = None) -> KnownCall:
    call = call or found()
    return store.known_calls([call.source_uri])[call.source_uri]


def reasons(database: Database) -> dict[str, str]:
    return dict(one(database, "SELECT missing_reasons FROM calls"))


def test_a_stored_call_reads_back_whole(store: PostgresStore, run_id: str) -> None:
    call_id = keep(store, run_id)
    assert store.transcript("f1") == transcript()
    stored = store.step_results(call_id, "f1")
    assert store.step_results(call_id, "another transcript") == {}
    assert {name: stored[name] for name in stored} == {result.step: result for result in all_steps()}
    call = known(store)
    assert (call.call_id, call.status, call.audio_sha256) == (call_id, CallStatus.DONE, "aa")
    assert (call.engine, call.engine_rank, call.engine_options_hash, call.duration_s) == ("mlx_qwen3", 0, "o1", 12.0)
    assert {name: kept.state for name, kept in call.steps.items()} == {
        result.step: StepState.DONE for result in all_steps()
    }
    assert store.transcript("unknown") is None


def test_columns_readers_rely_on(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id, audio=prepared(flags=("truncated",)))
    with database.connection() as connection:
        cursor = connection.execute("SELECT * FROM calls")
        row = dict(zip([one.name for one in cursor.description or ()], cursor.fetchone() or (), strict=True))
    assert row["transcription"].splitlines()[0] == "client: hello my card was charged twice"
    assert row["agent_transcription"] == "I am sorry I will refund it"
    assert row["client_transcription"] == "hello my card was charged twice thank you that is great"
    assert (row["agent_text_sentiment"], row["agent_text_confidence"]) == ("neutral", 0.7)
    assert row["client_text_probabilities"] == {"negative": 0.8, "neutral": 0.15, "positive": 0.05}
    assert row["client_acoustic_sentiment"] is None
    assert row["missing_reasons"]["client_acoustic"] == "too quiet"
    assert (row["topic"], row["subtopic"], row["topic_evidence"][0]["quote"]) == ("Billing", "Refund", "charged twice")
    assert row["action_items"] == [{"what": "refund", "who": "agent", "by_when": None}]
    assert row["summary_details"]["outcome"] == "refund promised"
    assert "evidence" not in row["summary_details"]
    assert row["summary_evidence"] == [
        {
            "part": "reason",
            "text": "charged twice",
            "role": "client",
            "start_s": 0.5,
            "end_s": 1.5,
            "channel": 0,
            "chunk": 0,
        }
    ]
    assert (row["turns"], row["client_interruptions"], row["conversation_extra"]) == (3, None, {"agent_fillers": 2.0})
    assert (row["direction"], row["customer_segment"], row["metadata"]) == ("inbound", "b2c", {"campaign": "autumn"})
    assert (row["mood_turned_to"], row["mood_turned_line"]) == ("better", {"channel": 1, "chunk": 0, "start_s": 2.5})
    assert [quarter["turns"] for quarter in row["conversation_trends"]] == [0, 1, 0, 1]
    assert row["sentiment_trends"]["fusion"]["agent"]["lowest_line"] is None
    assert (row["flags"], row["llm_provider"], row["mood_turned_by"]) == (["truncated"], "openai_server", "agent")
    assert row["sentiment_trends"]["text"]["agent"]["quarters"] == [0.1, None, 0.2, 0.3]
    assert str(row["run_id"]) == run_id


def test_a_call_in_which_somebody_speaks_to_a_model_is_flagged_by_its_topic_or_summary(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    """Flags of a payload are in no column of their own: nobody could filter by them."""
    plain = all_steps()
    steered = [
        replace(result, payload=replace(result.payload, flags=(ORDERS_FLAG,)))
        if isinstance(result.payload, Topic)
        else result
        for result in plain
    ]
    for steps, flags in ((plain, []), (steered, [ORDERS_FLAG]), (steered[3:4], [ORDERS_FLAG]), (plain, [])):
        keep(store, run_id, steps=tuple(steps), audio=prepared(flags=()))
        assert one(database, "SELECT flags FROM calls") == flags


def test_chunks_show_each_sentiment_with_its_reason(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id)
    shown = rows(
        database,
        "SELECT channel, ordinal, role, text_sentiment, acoustic_sentiment, fusion_confidence, fusion_reason, "
        "jsonb_array_length(words) FROM chunks ORDER BY start_s",
    )
    assert shown == [
        (0, 0, "client", "negative", "negative", 0.8, None, 6),
        (1, 0, "agent", "positive", "positive", 0.7, None, 7),
        (0, 1, "client", None, None, None, "one word", 5),
    ]


@pytest.mark.parametrize(
    "shares", [(0.2, 0.4, 0.4), (0.4, 0.2, 0.4), (1 / 3, 1 / 3, 1 / 3), (0.5, 0.5, 0.0), (0.1, 0.2, 0.7)]
)
def test_labels_in_sql_are_those_of_the_records(database: Database, shares: tuple[float, float, float]) -> None:
    assert one(database, "SELECT sentiment_label(%s, %s, %s)", *shares) == Sentiment(*shares).label.value


def test_chunks_show_where_somebody_speaks(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id, words=transcript(chunks=(TALK[0], replace(TALK[1], speech=None), replace(TALK[2], speech=()))))
    assert rows(database, "SELECT speech FROM chunks ORDER BY start_s") == [
        ([[0.25, 0.75], [1.0, 1.75]],),
        (None,),
        ([],),
    ]
    stored = store.transcript("f1")
    assert stored is not None
    assert [chunk.speech for chunk in stored.chunks] == [TALK[0].speech, None, ()]


def test_storing_twice_writes_the_same_rows(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id)
    tables = ("calls", "transcripts", "transcript_chunks", "chunk_sentiments", "call_steps")
    before = {name: one(database, f"SELECT count(*) FROM {name}") for name in tables}
    version = one(database, "SELECT max(xmin::text::bigint) FROM transcript_chunks")
    keep(store, run_id)
    assert {name: one(database, f"SELECT count(*) FROM {name}") for name in tables} == before
    assert one(database, "SELECT max(xmin::text::bigint) FROM transcript_chunks") == version, "chunks written again"


def test_fewer_chunks_than_before(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(store, run_id)
    keep(store, run_id, words=transcript(chunks=TALK[:1]), steps=all_steps(TALK[:1]))
    assert one(database, "SELECT count(*) FROM chunks") == 1
    assert one(database, "SELECT count(*) FROM chunk_sentiments") == 1
    assert one(database, "SELECT agent_transcription FROM calls") is None


def test_no_chunks_at_all(store: PostgresStore, database: Database, run_id: str) -> None:
    keep(
        store,
        run_id,
        words=transcript(chunks=(), language=None),
        steps=all_steps(()),
        audio=prepared(flags=("silent",)),
    )
    assert one(database, "SELECT transcription FROM calls") == ""
    assert one(database, "SELECT flags FROM calls") == ["silent"]


@pytest.mark.parametrize(
    ("roles", "flags"),
    [
        ((Role.AGENT, Role.CLIENT), ["diarised"]),
        ((Role.UNKNOWN, Role.CLIENT), ["diarised"]),
        ((Role.UNKNOWN, Role.UNKNOWN), ["diarised", "roles_unknown"]),
    ],
)
def test_roles_are_called_unknown_only_where_those_stored_are(
    store: PostgresStore, database: Database, run_id: str, roles: tuple[Role, Role], flags: list[str]
) -> None:
    chunks = tuple(replace(one, role=roles[one.channel]) for one in TALK)
    keep(store, run_id, words=transcript(chunks=chunks), audio=prepared(flags=("diarised", "roles_unknown")))
    assert one(database, "SELECT flags FROM calls") == flags
    with database.connection() as connection:  # as earlier versions stored it
        connection.execute("UPDATE calls SET flags = '{diarised,roles_unknown}'")
        connection.execute((SCHEMA / "036_roles_that_words_told.sql").read_bytes())
    assert one(database, "SELECT flags FROM calls") == flags


def test_one_step_redone_alone(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = keep(store, run_id)
    gone = step("topic", None, state=StepState.MISSING, reason="nothing in the glossary matches", fingerprint="topic-2")
    again = replace(outcome(call_id, run_id, steps=(gone,)), prepared=None, transcript=None)
    assert store.save_call(again)
    assert rows(database, "SELECT topic, subtopic, summary IS NULL, agent_text_sentiment, duration_s FROM calls") == [
        (None, None, False, "neutral", 12.0)
    ]
    assert one(database, "SELECT missing_reasons->>'topic' FROM calls") == "nothing in the glossary matches"
    assert one(database, "SELECT count(*) FROM chunk_sentiments WHERE text_negative IS NOT NULL") == 2
    assert len(store.step_results(call_id, "f1")) == len(all_steps())


def test_one_sentiment_step_redone_alone(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = keep(store, run_id)
    newer = replace(sentiments("acoustic"), fingerprint="acoustic-2")
    failed = replace(newer, state=StepState.FAILED, payload=None, reason="model file is missing")
    assert store.save_call(replace(outcome(call_id, run_id, steps=(failed,)), prepared=None, transcript=None))
    assert rows(
        database, "SELECT count(text_negative), count(acoustic_negative), count(fusion_negative) FROM chunk_sentiments"
    ) == [(2, 0, 2)]
    assert one(database, "SELECT missing_reasons->>'acoustic' FROM calls") == "model file is missing"
    assert store.save_call(replace(outcome(call_id, run_id, steps=(newer,)), prepared=None, transcript=None))
    assert one(database, "SELECT count(acoustic_negative) FROM chunk_sentiments") == 2
    assert one(database, "SELECT missing_reasons ? 'acoustic' FROM calls") is False


def test_of_a_step_that_stays_only_the_reason_is_written(store: PostgresStore, database: Database, run_id: str) -> None:
    """A language model that was away left old rows without a word."""
    call_id = keep(store, run_id)
    tables = ("calls", "chunk_sentiments", "call_steps")
    read = {name: f"SELECT * FROM {name} ORDER BY 1, 2" for name in tables}
    before = {name: rows(database, query) for name, query in read.items()}
    earlier = store.step_results(call_id, "f1")
    later = store.begin_run({}, "h", "here")
    keep(store, later, steps=tuple(replace(earlier[step], kept=True, reason="503") for step in ("text", "topic")))
    steps = {row[0]: row[1:] for row in rows(database, "SELECT step, reason, attempts, run_id::text FROM call_steps")}
    assert steps["text"] == steps["topic"] == ("503", 1, run_id)
    assert steps["summary"][2] == run_id
    assert store.step_results(call_id, "f1") == {
        name: replace(result, reason="503") if name in ("text", "topic") else result for name, result in earlier.items()
    }
    assert rows(database, read["chunk_sentiments"]) == before["chunk_sentiments"]
    assert reasons(database)["topic"] == reasons(database)["text"] == "503"
    assert one(database, "SELECT topic FROM calls") == "Billing"


def test_rules_that_hold_are_rows(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = keep(store, run_id)
    columns = "rule, title, reason, quote, role, start_s, end_s, weight, critical, occurrences"
    query = f"SELECT call_id::text, {columns} FROM attention ORDER BY rule"
    assert rows(database, query) == [
        (
            call_id,
            "charged_twice",
            "Charged twice",
            "the customer said “charged twice” at 0:01",
            "hello my card was charged twice",
            "client",
            1.2,
            2.0,
            3.0,
            True,
            2,
        ),
        (call_id, "short", "Very short", "the recording has 0:12", None, None, None, None, 0.5, False, 1),
    ]
    assert store.step_results(call_id, "f1")["rules"].payload == attention()


def test_scorecards_are_rows(store: PostgresStore, database: Database, run_id: str) -> None:
    call_id = keep(store, run_id)
    query = "SELECT scorecard, title, score, passed, failed_critical FROM scorecard_results"
    assert rows(database, query) == [("service", "Service call", 0.75, False, ["polite"])]
    answers = "SELECT place, item, question, answer, weight, critical, quote, role, start_s FROM scorecard_answers"
    assert rows(database, f"{answers} ORDER BY place") == [
        (1, "greeting", "greeting?", "yes", 3.0, False, "I am sorry I will refund it", "agent", 2.5),
        (2, "polite", "polite?", "no", 1.0, True, None, None, None),
        (3, "hold", "hold?", "n/a", 1.0, False, None, None, None),
    ]
    assert store.step_results(call_id, "f1")["rules"].payload == attention()
    none = step("rules", replace(attention(), scorecards=()), fingerprint="rules-2")
    assert store.save_call(replace(outcome(call_id, run_id, steps=(none,)), prepared=None, transcript=None))
    assert rows(database, query) == rows(database, answers) == []


def test_rules_redone_alone_replace_their_rows_and_other_steps_leave_them(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    call_id = keep(store, run_id)
    query = "SELECT rule FROM rule_matches ORDER BY rule"
    topic = replace(outcome(call_id, run_id, steps=(step("topic", None, state=StepState.FAILED),)), transcript=None)
    assert store.save_call(topic)
    assert rows(database, query) == [("charged_twice",), ("short",)]
    fewer = step("rules", replace(attention(), matches=attention().matches[1:]), fingerprint="rules-2")
    assert store.save_call(replace(outcome(call_id, run_id, steps=(fewer,)), prepared=None, transcript=None))
    assert rows(database, query) == [("short",)]
    assert store.save_call(outcome(call_id, run_id, words=transcript("f2"), steps=()))
    assert rows(database, query) == [], "they were shown by words that are no longer there"


def test_attempts_count_tries_with_the_same_fingerprint(store: PostgresStore, run_id: str) -> None:
    broken = step("summary", None, state=StepState.FAILED, reason="provider down")
    for _ in range(3):
        keep(store, run_id, steps=(broken,))
    assert known(store).steps["summary"].attempts == 3
    keep(store, run_id, steps=(replace(broken, fingerprint="summary-2"),))
    assert known(store).steps["summary"].attempts == 1


# -------------------------------------------------------------------------------------------- segments


def segment(ordinal: int, text: str = "hello") -> SegmentText:
    return SegmentText(
        channel=0,
        ordinal=ordinal,
        start_s=ordinal * 2.0,
        end_s=ordinal * 2.0 + 1.5,
        text=text,
        language="en",
        words=(Word(text=text, start_s=0.1, end_s=0.2),),
        flags=("repeated",),
        overlap_s=0.5,
    )


def test_finished_segments_live_until_the_transcript(store: PostgresStore) -> None:
    store.save_segments("f1", [segment(1), segment(0)], "aa")
    store.save_segments("f1", [segment(1, "again")], "aa")
    store.save_segments("f2", [segment(0)], "aa")
    store.save_segments("f2", [], "aa")
    assert store.finished_segments("f1") == [segment(0), segment(1, "again")]
    store.save_transcript(transcript("f1"), "aa")
    assert store.finished_segments("f1") == []
    assert store.finished_segments("f2") == [segment(0)]


# -------------------------------------------------------------------------------------------- delivery


def test_each_call_is_delivered_once(store: PostgresStore, run_id: str) -> None:
    first, second = keep(store, run_id, found("a.wav")), keep(store, run_id, found("b.wav"))
    assert list(store.undelivered()) == [first, second]
    store.mark_delivered([first], run_id)
    assert list(store.undelivered()) == [second]
    keep(store, run_id, found("a.wav"))
    assert list(store.undelivered()) == [first, second]


def test_text_that_postgresql_refuses(store: PostgresStore, database: Database, run_id: str) -> None:
    odd = replace(found("nul\x00\udce9.wav"), metadata=replace(found().metadata, extra={"k\x00": "v\udcff"}))
    call_id = keep(store, run_id, odd, words=transcript(chunks=(chunk(0, 0, 0.0, "a\x00b"),)), steps=())
    assert one(database, "SELECT text FROM chunks") == "ab"
    assert store.known_calls([odd.source_uri])[odd.source_uri].call_id == call_id
    assert one(database, "SELECT file_name FROM calls") == "nul\\udce9.wav"


def test_words_are_left_out_when_asked(database: Database, run_id: str) -> None:
    settings = database.settings.model_copy(update={"store_words": False})
    plain = PostgresStore(Database(settings, database.url, None))
    plain.save_transcript(transcript(), "aa")
    stored = plain.transcript("f1")
    assert isinstance(stored, Transcript)
    assert [one.words for one in stored.chunks] == [None, None, None]
    plain.database.close()


@pytest.mark.parametrize(("confidence", "reason"), [(None, "what chose the topic gives no probability"), (0.9, None)])
def test_a_topic_without_a_confidence_says_why(
    store: PostgresStore, database: Database, run_id: str, confidence: float | None, reason: str | None
) -> None:
    topic = step("topic", Topic(topic="Billing", subtopic=None, confidence=confidence))
    keep(store, run_id, steps=(topic,))
    assert one(database, "SELECT missing_reasons->>'topic_confidence' FROM calls") == reason


def test_a_topic_without_a_subtopic_says_why_until_it_has_one(
    store: PostgresStore, database: Database, run_id: str
) -> None:
    near = "two are nearly as likely: Payment and Refund"
    keep(
        store,
        run_id,
        steps=(step("topic", Topic(topic="Billing", subtopic=None, confidence=0.9, subtopic_missing=near)),),
    )
    assert one(database, "SELECT missing_reasons->>'subtopic' FROM calls") == near
    keep(store, run_id, steps=(step("topic", Topic(topic="Billing", subtopic="Refund", confidence=0.9)),))
    assert one(database, "SELECT missing_reasons ? 'subtopic' FROM calls") is False
