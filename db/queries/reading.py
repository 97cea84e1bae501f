"""What the page of one call shows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from psycopg.rows import tuple_row

from db.ask import ask
from db.queries.chosen import EVERYTHING, RECORDINGS, CallFilter, RowScope, ask_of_chosen
from db.records import record_row
from pipeline.records import CallStatus, Role, TranscriptChunk

if TYPE_CHECKING:
    from db.connection import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCall:
    """A row of `calls`; the columns are described there."""

    call_id: str
    file_name: str
    source_uri: str
    audio_sha256: str | None
    source_size_bytes: int
    source_modified_at: datetime | None
    etag: str | None
    started_at: datetime | None
    duration_s: float | None
    channels: int | None
    sample_rate_hz: int | None
    container: str | None
    codec: str | None
    direction: str | None
    agent_id: str | None
    customer_segment: str | None
    queue: str | None
    related_call: str | None
    extension: str | None
    metadata: Mapping[str, Any]
    language: str | None
    flags: tuple[str, ...]
    status: CallStatus
    error_type: str | None
    error_message: str | None
    error_stage: str | None
    error_transient: bool | None
    moods: Mapping[Role, Mapping[str, Mapping[str, float] | None]]
    """By role and step (fusion, text, acoustic): probabilities of negative, neutral and positive."""
    sentiment_trends: Mapping[str, Any]
    mood_turned_by: str | None
    mood_turned_at_s: float | None
    mood_turned_to: str | None
    mood_turned_line: Mapping[str, Any] | None
    topic: str | None
    subtopic: str | None
    topic_confidence: float | None
    second_topic: str | None
    second_subtopic: str | None
    second_topic_confidence: float | None
    topic_evidence: Sequence[Mapping[str, Any]] | None
    topic_catalogue: str | None
    summary: str | None
    summary_details: Mapping[str, Any] | None
    summary_evidence: Sequence[Mapping[str, Any]] | None
    summary_check: str | None
    action_items: Sequence[Mapping[str, Any]] | None
    attention_weight: float | None
    customer: str | None
    caller: str | None
    agent_talk_s: float | None
    client_talk_s: float | None
    agent_talk_share: float | None
    client_talk_share: float | None
    silence_s: float | None
    silence_share: float | None
    longest_silence_s: float | None
    overtalk_s: float | None
    agent_interruptions: int | None
    client_interruptions: int | None
    turns: int | None
    agent_words_per_minute: float | None
    client_words_per_minute: float | None
    agent_longest_turn_s: float | None
    client_longest_turn_s: float | None
    first_response_s: float | None
    missing_reasons: Mapping[str, str]
    asr_engine: str | None
    asr_model: str | None
    asr_revision: str | None
    asr_demonstration: bool | None
    asr_passed_over: tuple[str, ...]
    llm_provider: str | None
    llm_model: str | None
    transcript_fingerprint: str | None
    run_id: str | None
    processed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChunk(TranscriptChunk):
    """A row of `chunks`; `words` are read only where `speech` is not known."""

    fusion_probabilities: Mapping[str, float] | None
    text_probabilities: Mapping[str, float] | None
    acoustic_probabilities: Mapping[str, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRule:
    """A row of `attention`."""

    rule: str
    title: str
    reason: str
    quote: str | None
    role: Role | None
    start_s: float | None
    weight: float
    critical: bool
    occurrences: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """A row of `scorecard_answers`, with the result of its scorecard for the call."""

    scorecard: str
    title: str
    score: float | None
    """0..1; None where no item applies."""
    passed: bool | None
    item: str
    question: str
    answer: Literal["yes", "no", "n/a"]
    weight: float
    critical: bool
    reason: str
    quote: str | None
    role: Role | None
    start_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStep:
    """A row of `call_steps`, without its payload."""

    step: str
    state: str
    reason: str | None
    provider: str | None
    model: str | None
    cost_usd: float | None
    updated_at: datetime


def shown_call(database: Database, call_id: uuid.UUID, within: RowScope = EVERYTHING) -> ShownCall | None:
    """One recording; None where there is no such one `within` what may be seen."""
    wanted = CallFilter(call_ids=(call_id,), within=within)
    found = ask_of_chosen(database, "reading/call", record_row(ShownCall), wanted, "UTC", statuses=list(RECORDINGS))
    return next(iter(found), None)


def shown_chunks(database: Database, call_id: uuid.UUID) -> list[ShownChunk]:
    """What was said, in order of time."""
    return ask(database, "reading/chunks", record_row(ShownChunk), call_id=call_id)


def shown_rules(database: Database, call_id: uuid.UUID) -> list[ShownRule]:
    """The rules that hold for the call, critical and weighty ones first."""
    return ask(database, "reading/rules", record_row(ShownRule), call_id=call_id)


def shown_answers(database: Database, call_id: uuid.UUID) -> list[ShownAnswer]:
    """What the scorecards say of the call, scorecard by scorecard, in the order of their items."""
    return ask(database, "reading/answers", record_row(ShownAnswer), call_id=call_id)


def rules_not_judged(database: Database, call_id: uuid.UUID) -> dict[str, int]:
    """Why rules could not be judged for the call, and how many for each reason."""
    return dict(ask(database, "reading/not_judged", tuple_row, call_id=call_id))


def shown_steps(database: Database, call_id: uuid.UUID) -> list[ShownStep]:
    """What each step says."""
    return ask(database, "reading/steps", record_row(ShownStep), call_id=call_id)
