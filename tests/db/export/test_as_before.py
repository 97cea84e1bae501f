"""Every table of a stored call and every form of a transcript: compared with what is kept beside this test."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.connection import Database
from db.export.bigquery import SCHEMA, conversation
from db.export.document import Document, Segment
from db.export.table_files import TableFormat, export_table
from db.export.tables import TABLES
from db.export.transcripts import WRITERS
from db.ledger.store import PostgresStore
from db.queries.chosen import CallFilter
from pipeline.config.areas.output import CsvSettings, TranscriptFileSettings
from pipeline.records import CallFailure, Role, Word
from tests.db.samples import found, outcome
from tests.pinned import assert_pinned

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TODAY = [datetime.now(UTC) + timedelta(days=days) for days in (-1, 0, 1)]
_NOW = re.compile("|".join(rf'{day:%Y-%m-%d}[T ][^",;]*' for day in _TODAY))


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_as_before(  # noqa: PLR0917 - fixtures
    name: str, ending: str, database: Database, store: PostgresStore, run_id: str, tmp_path: Path
) -> None:
    call_id = store.claim_call(found(), "aa", None)
    store.save_call(outcome(call_id, run_id))
    store.save_failure(
        CallFailure(found=found("bad.wav"), run_id=run_id, stage="prepare", error_type="AudioUndecodable",
                    message="noise", transient=False), 3)  # fmt: skip
    path = tmp_path / f"t.{ending}"
    how = TableFormat(name=ending, csv=CsvSettings(delimiter=";"), zone=ZoneInfo("Asia/Tokyo"))
    export_table(database, CallFilter(), TABLES[name], path, how)
    known: dict[str, str] = {}
    text = _UUID.sub(lambda match: known.setdefault(match[0], f"ID{len(known)}"), path.read_text(encoding="utf-8"))
    assert_pinned(f"{name}.{ending}", _NOW.sub("NOW", text))


def mood(negative: float, neutral: float, positive: float) -> dict[str, float]:
    return {"negative": negative, "neutral": neutral, "positive": positive}


def segment(channel: int, ordinal: int, start_s: float, end_s: float, text: str, **changes: Any) -> Segment:
    values: dict[str, Any] = {
        "role": (Role.CLIENT, Role.AGENT, Role.UNKNOWN)[channel], "words": None, "confidence": None, "flags": (),
        "sentiments": {"text": None, "acoustic": None, "fusion": None},
    }  # fmt: skip
    return Segment(channel=channel, ordinal=ordinal, start_s=start_s, end_s=end_s, text=text, **(values | changes))


SEGMENTS = (
    segment(1, 0, 0.0, 2.0, "Good morning.", words=(Word(text="Good", start_s=-0.25, end_s=0.5, confidence=None),
                                                    Word(text="morning", start_s=1.0, end_s=0.9, confidence=0.25))),
    segment(0, 0, 1.5, 4.0, "my card & <mine> --> twice", confidence=0.75, flags=("overtalk",), words=tuple(
        Word(text=text, start_s=1.5 + 0.5 * n, end_s=1.6 + 0.5 * n, confidence=0.1 * n)
        for n, text in enumerate(("my", "card", "&", "<mine>", "-->", "twice"))
    ), sentiments={"text": mood(0.2, 0.2, 0.6), "acoustic": None, "fusion": mood(0.712345, 0.2, 0.087655)}),
    segment(1, 1, 5.0, 5.0, "I see.", sentiments={"text": mood(0.4, 0.4, 0.2), "acoustic": None, "fusion": None}),
    segment(2, 0, 6.0, 20.0, "words without end " * 9, sentiments={"text": mood(0.3, 0.1, 0.6), "acoustic": None,
                                                                   "fusion": None}),
    segment(0, 1, 3599.9996, 3661.5, "aWordThatIsFarLongerThanALineOfASubtitleMayBe  then  a short one"),
    segment(0, 2, 360_000.0, 360_000.5, "   "),
)  # fmt: skip
"""Each side and one that is neither; words with times and without; overtalk; what subtitles escape."""
OF_CALL: dict[str, Any] = {
    "call_id": "c-1", "file_name": "a.wav", "source_uri": "file:///calls/a.wav", "status": "done", "language": "en",
    "started_at": datetime(2026, 11, 20, 8, 30, 1, 500, tzinfo=ZoneInfo("Asia/Tokyo")), "duration_s": 3661.5004,
    "direction": "inbound", "agent_id": "A7", "customer_segment": "b2c", "flags": ("clipped",), "topic": "Cards",
    "subtopic": None, "topic_confidence": 0.5, "second_topic": None, "second_subtopic": None, "channels": 2,
    "second_topic_confidence": None, "summary": "A card.", "summary_evidence": [], "summary_check": "verified",
    "action_items": [{"what": "pay"}], "asr_engine": "e", "asr_model": "m", "asr_revision": "r", "silence_s": 1.2346,
    "asr_demonstration": False, "transcript_fingerprint": "f1", "sample_rate_hz": 8000, "sentiment_trends": {
        "fusion": {"client": {"quarters": [-0.5, None, 0.12345, 1.0]}, "nobody": {"quarters": [0.1]}},
        "text": {"agent": {"quarters": [0.2]}}},
    "agent_talk_s": 4.4567, "client_talk_s": None, "agent_words_per_minute": 120.4, "client_words_per_minute": 99.5,
    "agent_interruptions": 0, "client_interruptions": 2, "agent_fusion_probabilities": mood(0.112345, 0.2, 0.687655),
    "agent_text_probabilities": mood(0.9, 0.1, 0.0), "client_fusion_probabilities": None,
    "client_text_probabilities": mood(0.8, 0.1, 0.1),
}  # fmt: skip
LEAST: dict[str, Any] = dict.fromkeys(OF_CALL) | {"call_id": "c-2", "sentiment_trends": {}}
NARROW = TranscriptFileSettings(max_line_chars=24, max_lines=2, max_cue_s=3.0)


@pytest.mark.parametrize("form", WRITERS)
def test_a_transcript_is_as_before(form: str) -> None:
    _, written = WRITERS[form]
    full = written(Document(call=OF_CALL, segments=SEGMENTS), NARROW)
    text_alone = {**OF_CALL, "call_id": "c-3", "sentiment_trends": {"text": {"client": {"quarters": [0.5]}}}}
    others = [written(Document(call=call, segments=SEGMENTS[:1]), NARROW) for call in (LEAST, text_alone)]
    assert_pinned(f"transcript_{form}.txt", "\n".join((full, *others)))


def test_conversations_of_bigquery_and_their_schema_are_as_before() -> None:
    more = dict.fromkeys(name for name in ("silence_share", "agent_talk_share", "client_talk_share", "turns", "queue"))
    more |= {"processed_at": datetime(2026, 11, 21, 0, 30, tzinfo=ZoneInfo("Asia/Tokyo")), "transcription": "words"}
    full = more | {"silence_share": 0.123456, "agent_talk_share": 0.5, "client_talk_share": 1.0, "turns": 7}
    told = [
        conversation(Document(call=OF_CALL | full, segments=SEGMENTS)),
        conversation(Document(call=LEAST | more, segments=SEGMENTS[:1])),
        SCHEMA,
    ]
    assert_pinned("bigquery.json", json.dumps(told, indent=1))
