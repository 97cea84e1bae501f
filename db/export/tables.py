"""The tables that can be exported: the results, and what a person opens in a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping

from db.export.columns import Column, Kind, Table
from db.export.result_rows import COLUMNS
from db.ledger.rows import CONVERSATION_COLUMNS

_WHOLE = frozenset({"channels", "sample_rate_hz", "turns", "agent_interruptions", "client_interruptions"})
_MOMENTS = frozenset({"started_at", "processed_at"})
_STRUCTURES = frozenset(
    {
        "summary_details",
        "summary_evidence",
        "topic_evidence",
        "action_items",
        "mood_turned_line",
        "sentiment_trends",
        "conversation_trends",
        "missing_reasons",
    }
)
_PROSE = frozenset({"transcription", "agent_transcription", "client_transcription", "summary", "error"})


def _kind(name: str) -> Kind:
    """Of a column of the results."""
    if name in _WHOLE:
        return Kind.WHOLE
    if name in _MOMENTS:
        return Kind.MOMENT
    if name == "asr_demonstration":
        return Kind.TRUTH
    if name == "flags":
        return Kind.LABELS
    if name in _STRUCTURES or name.endswith("_probabilities"):
        return Kind.STRUCTURE
    if name in _PROSE:
        return Kind.PROSE
    if name in CONVERSATION_COLUMNS or name.endswith("_confidence") or name in ("duration_s", "mood_turned_at_s"):
        return Kind.NUMBER
    return Kind.TEXT


RESULTS = Table("results", "results", tuple(Column(name, kind=_kind(name)) for name in COLUMNS))

CALL_ID = Column("call_id", "Call id", width=38)
_FILE = Column("file_name", "File", width=30)
_STARTED = Column("started_at", "Started", Kind.MOMENT, 17)
_AGENT = Column("agent_id", "Agent", width=12)
_AT = Column("start_s", "At", Kind.DURATION, 9)
_END = Column("end_s", "Until", Kind.DURATION, 9)
_WHO = Column("role", "Who", Kind.ROLE, 10)
_TEXT = Column("text", "Said", Kind.PROSE, 90)

CALLS = Table(
    "calls",
    "Calls",
    (
        _FILE,
        _STARTED,
        Column("duration_s", "Length", Kind.DURATION, 9),
        _AGENT,
        Column("customer", "Customer", width=16),
        Column("queue", "Queue", width=12),
        Column("topic", "Topic", width=26),
        Column("client_mood", "Customer's mood", width=14),
        Column("client_mood_confidence", "How sure", Kind.SHARE, 10),
        Column("agent_mood", "Agent's mood", width=14),
        Column("summary", "Summary", Kind.PROSE, 60),
        Column("outcome", "Outcome", Kind.PROSE, 36),
        Column("action_items", "Action items", Kind.PROSE, 44),
        Column("attention", "Needs attention", Kind.PROSE, 34),
        Column("remarks", "Remarks", Kind.PROSE, 34),
        CALL_ID,
    ),
    for_people=True,
)
"""What a person wants first: fifteen columns, and the id that leads from sheet to sheet."""

TURNS = Table(
    "turns",
    "Turns",
    (
        _FILE,
        _STARTED,
        _AGENT,
        _AT,
        _END,
        _WHO,
        _TEXT,
        Column("lowest_score", "Mood, -1 to 1", Kind.NUMBER, 10),
        Column("doubtful", "Doubtful", Kind.TRUTH, 10),
        CALL_ID,
    ),
    for_people=True,
)

ACTIONS = Table(
    "actions",
    "Action items",
    (
        _FILE,
        _STARTED,
        _AGENT,
        Column("topic", "Topic", width=26),
        Column("what", "What", Kind.PROSE, 70),
        Column("who", "Who", Kind.ROLE, 12),
        Column("by_when", "By when", width=20),
        CALL_ID,
    ),
    for_people=True,
)

ATTENTION = Table(
    "attention",
    "Attention",
    (
        _FILE,
        _STARTED,
        _AGENT,
        Column("customer", "Customer", width=16),
        Column("topic", "Topic", width=26),
        Column("title", "What", Kind.PROSE, 30),
        Column("reason", "Why", Kind.PROSE, 50),
        Column("quote", "Said", Kind.PROSE, 60),
        _WHO,
        _AT,
        Column("occurrences", "Times", Kind.WHOLE, 8),
        Column("weight", "Weight", Kind.NUMBER, 9),
        Column("critical", "Critical", Kind.TRUTH, 9),
        CALL_ID,
    ),
    for_people=True,
)

CHUNKS = Table(
    "chunks",
    "Chunks",
    (
        CALL_ID,
        Column("file_name", "File", width=30),
        Column("started_at", "Started", Kind.MOMENT, 17),
        Column("channel", "Channel", Kind.WHOLE, 9),
        Column("ordinal", "Number", Kind.WHOLE, 9),
        _WHO,
        _AT,
        _END,
        _TEXT,
        Column("words", "Words", Kind.STRUCTURE, 20),
        Column("confidence", "Confidence", Kind.NUMBER, 11),
        Column("language", "Language", width=10),
        Column("flags", "Doubts", Kind.LABELS, 18),
        *(
            column
            for step in ("text", "acoustic", "fusion")
            for column in (
                Column(f"{step}_sentiment", width=12),
                Column(f"{step}_confidence", kind=Kind.NUMBER, width=12),
                Column(f"{step}_probabilities", kind=Kind.STRUCTURE, width=20),
            )
        ),
    ),
)

MANIFEST = Table(
    "manifest",
    "Manifest",
    (
        Column("audio_filepath", width=50),
        Column("offset", kind=Kind.NUMBER),
        Column("duration", kind=Kind.NUMBER),
        Column("text", kind=Kind.PROSE, width=90),
        Column("channel", kind=Kind.WHOLE),
        Column("speaker"),
        Column("lang"),
        Column("confidence", kind=Kind.NUMBER),
        Column("call_id", width=38),
    ),
)
"""For training recognisers: names as in NeMo's manifests, which other toolkits read as well."""

TABLES: Mapping[str, Table] = {
    table.name: table for table in (RESULTS, CALLS, TURNS, ACTIONS, ATTENTION, CHUNKS, MANIFEST)
}
WORKBOOK = (CALLS, TURNS, ACTIONS, ATTENTION)
"""Sheets of a workbook for people."""
