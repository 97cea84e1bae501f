"""Calls for BigQuery: the columns in which Google's Customer Experience Insights exports conversations.

A row per call as JSON lines, and beside it the schema for `bq load`. What Earshot does not measure (magnitudes,
entities) is NULL or left out; labels hold what Insights has no column for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db.export.document import Document, Segment
from db.export.files import write_whole
from db.export.json_lines import write_objects
from pipeline.records import Role

_NANOS = 1_000_000_000
_ROLES = {Role.AGENT: "HUMAN_AGENT", Role.CLIENT: "END_USER"}
_LABELS = ("direction", "queue", "customer_segment", "status", "asr_engine", "asr_model")


def _field(name: str, kind: str, mode: str = "NULLABLE", fields: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    inner = list(fields)
    return {"name": name, "type": kind, "mode": mode, **({"fields": inner} if inner else {})}


SCHEMA: tuple[dict[str, Any], ...] = (
    _field("conversationName", "STRING", "REQUIRED"),
    _field("audioFileUri", "STRING"),
    _field("agentId", "STRING"),
    _field("startTimestampUtc", "INTEGER"),
    _field("startTimestamp", "TIMESTAMP"),
    _field("loadTimestampUtc", "INTEGER"),
    _field("year", "INTEGER"),
    _field("month", "INTEGER"),
    _field("day", "INTEGER"),
    _field("durationNanos", "INTEGER"),
    _field("silenceNanos", "INTEGER"),
    _field("silencePercentage", "FLOAT"),
    _field("agentSpeakingPercentage", "FLOAT"),
    _field("clientSpeakingPercentage", "FLOAT"),
    _field("agentSentimentScore", "FLOAT"),
    _field("agentSentimentMagnitude", "FLOAT"),
    _field("clientSentimentScore", "FLOAT"),
    _field("clientSentimentMagnitude", "FLOAT"),
    _field("transcript", "STRING"),
    _field("turnCount", "INTEGER"),
    _field("languageCode", "STRING"),
    _field("medium", "STRING"),
    _field("issues", "RECORD", "REPEATED", (_field("name", "STRING"), _field("score", "FLOAT"))),
    _field("labels", "RECORD", "REPEATED", (_field("key", "STRING"), _field("value", "STRING"))),
    _field(
        "words",
        "RECORD",
        "REPEATED",
        (
            _field("word", "STRING"),
            _field("startOffsetNanos", "INTEGER"),
            _field("endOffsetNanos", "INTEGER"),
            _field("speakerTag", "INTEGER"),
            _field("languageCode", "STRING"),
        ),
    ),
    _field(
        "sentences",
        "RECORD",
        "REPEATED",
        (
            _field("sentence", "STRING"),
            _field("startOffsetNanos", "INTEGER"),
            _field("endOffsetNanos", "INTEGER"),
            _field("speakerTag", "INTEGER"),
            _field("participantRole", "STRING"),
            _field("languageCode", "STRING"),
            _field("createTimeNanos", "INTEGER"),
            _field("sentimentScore", "FLOAT"),
            _field("sentimentMagnitude", "FLOAT"),
        ),
    ),
    _field("latestSummary", "RECORD", "NULLABLE", (_field("text", "STRING"),)),
)


def write_bigquery(documents: Iterable[Document], path: Path) -> tuple[int, Path]:
    """Write the rows, and the schema to `NAME.schema.json`; returns their number and the schema's path.

    Raises OutputUnavailable.
    """
    count = write_objects((conversation(document) for document in documents), path)
    schema = path.with_name(f"{path.stem}.schema.json")
    write_whole(schema, json.dumps(SCHEMA, indent=1).encode())
    return count, schema


def conversation(document: Document) -> dict[str, Any]:
    """A call with the names of SCHEMA."""
    call = document.call
    started: datetime | None = call["started_at"]
    loaded: datetime = call["processed_at"].astimezone(UTC)
    return {
        "conversationName": document.call_id,
        "audioFileUri": call["source_uri"],
        "agentId": call["agent_id"],
        "startTimestampUtc": None if started is None else int(started.timestamp()),
        "startTimestamp": None if started is None else started.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC"),
        "loadTimestampUtc": int(loaded.timestamp()),
        "year": loaded.year,
        "month": loaded.month,
        "day": loaded.day,
        "durationNanos": _nanos(call["duration_s"]),
        "silenceNanos": _nanos(call["silence_s"]),
        "silencePercentage": _percentage(call["silence_share"]),
        "agentSpeakingPercentage": _percentage(call["agent_talk_share"]),
        "clientSpeakingPercentage": _percentage(call["client_talk_share"]),
        "agentSentimentScore": _call_score(call, Role.AGENT),
        "agentSentimentMagnitude": None,
        "clientSentimentScore": _call_score(call, Role.CLIENT),
        "clientSentimentMagnitude": None,
        "transcript": call["transcription"],
        "turnCount": call["turns"],
        "languageCode": call["language"],
        "medium": "PHONE_CALL",
        "issues": _issues(call),
        "labels": [{"key": key, "value": call[key]} for key in _LABELS if call[key] is not None],
        "words": [word for segment in document.segments for word in _words(segment, call["language"])],
        "sentences": [_sentence(segment, call) for segment in document.segments if segment.text],
        "latestSummary": None if call["summary"] is None else {"text": call["summary"]},
    }


def _nanos(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _NANOS)


def _percentage(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 3)


def _score(probabilities: Mapping[str, float] | None) -> float | None:
    """-1..1."""
    return None if probabilities is None else round(probabilities["positive"] - probabilities["negative"], 4)


def _call_score(call: Mapping[str, Any], role: Role) -> float | None:
    fused = call[f"{role.value}_fusion_probabilities"]
    return _score(fused if fused is not None else call[f"{role.value}_text_probabilities"])


def _issues(call: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The topic, and the second one where there are two reasons."""
    found = []
    for topic, subtopic, confidence in (
        ("topic", "subtopic", "topic_confidence"),
        ("second_topic", "second_subtopic", "second_topic_confidence"),
    ):
        if call[topic] is not None:
            name = f"{call[topic]} > {call[subtopic]}" if call[subtopic] else call[topic]
            found.append({"name": name, "score": call[confidence]})
    return found


def _words(segment: Segment, language: str | None) -> Iterable[dict[str, Any]]:
    for word in segment.words or ():
        yield {
            "word": word.text,
            "startOffsetNanos": _nanos(word.start_s),
            "endOffsetNanos": _nanos(word.end_s),
            "speakerTag": segment.channel + 1,
            "languageCode": language,
        }


def _sentence(segment: Segment, call: Mapping[str, Any]) -> dict[str, Any]:
    started: datetime | None = call["started_at"]
    return {
        "sentence": segment.text,
        "startOffsetNanos": _nanos(segment.start_s),
        "endOffsetNanos": _nanos(segment.end_s),
        "speakerTag": segment.channel + 1,
        "participantRole": _ROLES.get(segment.role),
        "languageCode": call["language"],
        "createTimeNanos": None if started is None else _nanos(started.timestamp()),
        "sentimentScore": _score(segment.mood),
        "sentimentMagnitude": None,
    }
