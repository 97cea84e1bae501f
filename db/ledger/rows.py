"""Records to column values and back. No SQL here."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.calls import in_order
from analysis.records import (
    Attention,
    CallSentiment,
    Conversation,
    RuleMatch,
    ScorecardAnswer,
    ScorecardResult,
    Sentiment,
    Summary,
    Topic,
)
from db.ledger.values import clean
from db.records import Columns, Row, adapter
from pipeline.records import (
    EngineIdentity,
    FoundCall,
    PreparedCall,
    Role,
    SegmentText,
    StepResult,
    StepState,
    Transcript,
    TranscriptChunk,
)

SENTIMENT_STEPS = ("text", "acoustic", "fusion")

PAYLOADS: Mapping[str, type] = {
    "text": CallSentiment,
    "acoustic": CallSentiment,
    "fusion": CallSentiment,
    "topic": Topic,
    "summary": Summary,
    "conversation": Conversation,
    "rules": Attention,
}
"""Record of each step's payload; steps not named here are kept as plain JSON."""

IDENTITY = Columns(EngineIdentity, without=("vocabulary_hash",))
CHUNK = Columns(TranscriptChunk)
SEGMENT = Columns(SegmentText)
STEP = Columns(StepResult, without=("services", "kept"))
MATCH = Columns(RuleMatch)
SCORE = Columns(ScorecardResult, without=("answers",))
ANSWER = Columns(ScorecardAnswer)
"""Records whose fields are the columns of their tables; `calls` is laid out wide, below."""

CONVERSATION_COLUMNS = tuple(
    field.name for field in dataclasses.fields(Conversation) if field.name not in ("extra", "quarters")
)


# ------------------------------------------------------------------------------------------ calls


_METADATA_COLUMNS = (
    "started_at", "direction", "agent_id", "customer_segment", "queue", "related_call", "extension"
)  # fmt: skip


def found_columns(found: FoundCall) -> Row:
    """What the source says about a recording."""
    metadata = found.metadata
    return clean(  # type: ignore[no-any-return]
        {
            "source_uri": found.source_uri,
            "file_name": found.file_name,
            "source_size_bytes": found.size_bytes,
            "source_modified_at": found.modified_at,
            "etag": found.etag,
            **{name: getattr(metadata, name) for name in _METADATA_COLUMNS},
            "metadata": dict(metadata.extra),
        }
    )


def prepared_columns(prepared: PreparedCall) -> Row:
    """What decoding says about a recording."""
    return {
        "audio_sha256": prepared.audio_sha256,
        "duration_s": prepared.duration_s,
        **{name: getattr(prepared.header, name) for name in ("channels", "sample_rate_hz", "container", "codec")},
    }


def transcript_columns(transcript: Transcript) -> Row:
    """The call's words and who recognised them."""
    spoken = [chunk for chunk in in_order(transcript.chunks) if chunk.text.strip()]
    return {
        "transcription": clean("\n".join(f"{chunk.role}: {chunk.text}" for chunk in spoken)),
        "agent_transcription": clean(_said_by(Role.AGENT, spoken)),
        "client_transcription": clean(_said_by(Role.CLIENT, spoken)),
        "asr_engine": transcript.identity.engine,
        "asr_model": transcript.identity.model,
        "asr_revision": transcript.identity.revision,
        "asr_demonstration": transcript.identity.demonstration,
        "asr_passed_over": clean(transcript.identity.passed_over),
        "transcript_fingerprint": transcript.fingerprint,
    }


def _said_by(role: Role, spoken: Sequence[TranscriptChunk]) -> str | None:
    """What one side said; None when the call has no such side or it said nothing."""
    return " ".join(chunk.text for chunk in spoken if chunk.role is role) or None


# ------------------------------------------------------------------------------------------ steps


def step_columns(step: str, payload: object | None) -> Row:
    """Columns of `calls` that a step fills; all None when there is no payload."""
    if step in SENTIMENT_STEPS:
        return _sentiment_columns(step, payload if isinstance(payload, CallSentiment) else None)
    if step == "topic":
        topic = payload if isinstance(payload, Topic) else None
        return {
            "topic": clean(topic.topic) if topic else None,
            "subtopic": clean(topic.subtopic) if topic else None,
            "topic_confidence": topic.confidence if topic else None,
            "second_topic": clean(topic.second_topic) if topic else None,
            "second_subtopic": clean(topic.second_subtopic) if topic else None,
            "second_topic_confidence": topic.second_confidence if topic else None,
            "topic_evidence": payload_json(topic)["evidence"] if topic else None,
            "topic_catalogue": clean(topic.catalogue) if topic else None,
            "topic_glossary_hash": topic.glossary_hash if topic else None,
        }
    if step == "summary":
        summary = payload_json(payload) if isinstance(payload, Summary) else None
        return {
            "summary": summary.pop("text") if summary else None,
            "action_items": summary.pop("action_items") if summary else None,
            "summary_evidence": summary.pop("evidence") if summary else None,
            "summary_check": summary.pop("check") if summary else None,
            "summary_details": summary,
        }
    if step == "rules":
        found = payload if isinstance(payload, Attention) else None
        return {
            "attention_weight": sum(match.weight for match in found.matches) if found else None,
            "attention_critical": any(match.critical for match in found.matches) if found else None,
            "rules_not_in_language": found.not_judged_in_language if found else None,
        }
    if step == "conversation":
        talk = payload if isinstance(payload, Conversation) else None
        values: Row = {name: getattr(talk, name) if talk else None for name in CONVERSATION_COLUMNS}
        trends = payload_json(talk)["quarters"] if talk else None
        return {**values, "conversation_extra": dict(talk.extra) if talk else {}, "conversation_trends": trends}
    return {}


def _sentiment_columns(step: str, payload: CallSentiment | None) -> Row:
    by_role = {mood.role: mood.sentiment for mood in payload.roles} if payload else {}
    row: Row = {}
    for role in Role:
        sentiment = by_role.get(role)
        row[f"{role}_{step}_sentiment"] = sentiment.label.value if sentiment else None
        row[f"{role}_{step}_confidence"] = sentiment.confidence if sentiment else None
        row[f"{role}_{step}_probabilities"] = probabilities(sentiment) if sentiment else None
    return row


def probabilities(sentiment: Sentiment) -> dict[str, float]:
    return {"negative": sentiment.negative, "neutral": sentiment.neutral, "positive": sentiment.positive}


def sentiment_trend(payload: CallSentiment) -> Row:
    """One step's part of `calls.sentiment_trends`."""
    return {
        mood.role.value: {
            "quarters": list(mood.quarters),
            "lowest_score": mood.lowest_score,
            "lowest_at_s": mood.lowest_at_s,
            "lowest_line": dataclasses.asdict(mood.lowest_line) if mood.lowest_line else None,
        }
        for mood in payload.roles
        if mood.sentiment is not None
    }


def mood_columns(payload: object) -> Row:
    """Columns that tell when the client's mood turned; of the fused moods, else of those from the words."""
    mood = payload if isinstance(payload, CallSentiment) else None
    line = mood.mood_turned_line if mood else None
    names = ("mood_turned_by", "mood_turned_at_s", "mood_turned_to")
    row: Row = {name: getattr(mood, name) if mood else None for name in names}
    return {**row, "mood_turned_line": dataclasses.asdict(line) if line else None}


_FURTHER_KEYS: Mapping[str, tuple[str, ...]] = {"topic": ("subtopic", "second_subtopic")}
"""Columns of a step that have reasons of their own."""


def missing_reasons(result: StepResult) -> dict[str, str]:
    """The step's part of `calls.missing_reasons`: under its own name, or by role."""
    step, payload = result.step, result.payload
    if payload is None or result.state is not StepState.DONE:
        return {step: clean(result.reason) or f"{step}: no reason was given"}
    reasons = {step: clean(result.reason)} if result.reason else {}
    if isinstance(payload, Topic) and payload.confidence is None:
        reasons["topic_confidence"] = "what chose the topic gives no probability"
    if isinstance(payload, Topic):
        below = {"subtopic": payload.subtopic_missing, "second_subtopic": payload.second_subtopic_missing}
        reasons |= {column: clean(why) for column, why in below.items() if why}
    if isinstance(payload, CallSentiment):
        by_role = {mood.role: mood for mood in payload.roles}
        for role in Role:
            mood = by_role.get(role)
            if mood is None:
                reasons[f"{role}_{step}"] = f"nobody in the role {role} speaks in this call"
            elif mood.sentiment is None:
                reasons[f"{role}_{step}"] = clean(mood.reason) or result.reason or "no reason was given"
    return reasons


def reason_keys(step: str) -> list[str]:
    """Keys of `calls.missing_reasons` that belong to a step."""
    return [step, f"{step}_confidence", *_FURTHER_KEYS.get(step, ()), *(f"{role}_{step}" for role in Role)]


def payload_json(payload: Any) -> Any:
    """A step's payload as JSON values."""
    return adapter(payload.__class__).dump_python(payload, mode="json")


def payload_record(step: str, stored: Any) -> object | None:
    """The record a payload was stored from."""
    if stored is None or step not in PAYLOADS:
        return stored  # type: ignore[no-any-return]
    return adapter(PAYLOADS[step]).validate_python(stored)  # type: ignore[no-any-return]


def step_row(result: StepResult) -> Row:
    payload = payload_json(result.payload) if result.state is StepState.DONE else None
    return {**STEP.row(dataclasses.replace(result, payload=None)), "payload": payload}


def chunk_sentiment_rows(results: Iterable[StepResult]) -> list[Row]:
    """A row per chunk with the sentiments of the given steps."""
    rows: dict[tuple[int, int], Row] = {}
    for result in results:
        for chunk in result.payload.chunks if isinstance(result.payload, CallSentiment) else ():
            row = rows.setdefault((chunk.channel, chunk.ordinal), {"channel": chunk.channel, "ordinal": chunk.ordinal})
            if chunk.sentiment is not None:
                row |= {f"{result.step}_{name}": value for name, value in probabilities(chunk.sentiment).items()}
            row[f"{result.step}_reason"] = clean(chunk.reason)
    return list(rows.values())


def match_rows(payload: object | None) -> list[Row]:
    """A row per rule that holds; none without a payload."""
    return [MATCH.row(match) for match in payload.matches] if isinstance(payload, Attention) else []


def score_rows(payload: object | None) -> list[Row]:
    """A row per scorecard."""
    return [SCORE.row(card) for card in payload.scorecards] if isinstance(payload, Attention) else []


def answer_rows(payload: object | None) -> list[Row]:
    """A row per scorecard and item."""
    cards = payload.scorecards if isinstance(payload, Attention) else ()
    return [
        {"scorecard": card.scorecard, "place": index, **ANSWER.row(answer)}
        for card in cards
        for index, answer in enumerate(card.answers, start=1)
    ]


# ------------------------------------------------------------------------------------------ chunks


def chunk_rows(transcript: Transcript, *, with_words: bool) -> list[Row]:
    """A row per chunk, in time order."""
    rows = [CHUNK.row(chunk) for chunk in in_order(transcript.chunks)]
    return rows if with_words else [{**row, "words": None} for row in rows]


def rows_hash(rows: Sequence[Row]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
