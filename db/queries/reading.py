"""What the list of calls and the page of one call show."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from psycopg.rows import tuple_row

from db.ask import ask
from db.queries.chosen import EVERYTHING, RECORDINGS, CallFilter, RowScope, ask_of_chosen
from db.records import record_row
from pipeline.records import CallStatus, Role, Word

if TYPE_CHECKING:
    from db.connection import Database

Sort = Literal["newest", "oldest", "attention", "unhappiest", "longest", "silence"]
LOOKED_AT = 2000
"""Calls of a list that are asked for a text one by one, for each page."""
_PAGE = 100
"""Longest page that is tried from these."""
MARK_BEGIN, MARK_END = "\ue000", "\ue001"
"""Around the words of `ListedCall.said_quote` that were looked for: characters that stand for nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A call's place in a list of one order: lists go on after it, whatever has come or gone meanwhile."""

    first_key: float
    """What the list is ordered by, so that it grows along the list; infinite where it is not known."""
    second_key: float
    call_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedCall:
    """A row of the list."""

    call_id: str
    file_name: str
    started_at: datetime | None
    duration_s: float | None
    agent_id: str | None
    queue: str | None
    direction: str | None
    topic: str | None
    subtopic: str | None
    mood: str | None
    """Of the customer, or of the only speaker where no side is known."""
    status: CallStatus
    error_type: str | None
    error_message: str | None
    flags: tuple[str, ...]
    summary: str | None
    silence_share: float | None
    client_talk_share: float | None
    missing_reasons: Mapping[str, str]
    customer: str | None
    attention_critical: bool | None
    attention: tuple[str, ...]
    """Titles of the rules that hold, the weightiest first."""
    rules: tuple[str, ...]
    """Their names."""
    language: str | None
    first_key: float
    second_key: float
    said_role: Role | None
    said_at_s: float | None
    said_quote: str | None
    """The first stretch in which the text that was looked for was said."""

    @property
    def place(self) -> Place:
        return Place(first_key=self.first_key, second_key=self.second_key, call_id=uuid.UUID(self.call_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many, and how long together."""

    calls: int
    duration_s: float
    more: bool = False
    """Whether there are further ones, which were not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value to filter by."""

    kind: str
    """agent, queue, direction, topic, flag or attention."""
    value: str
    says: str
    """The same for a person: the title of a rule."""
    calls: int


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
class ShownChunk:
    """A row of `chunks`."""

    channel: int
    ordinal: int
    role: Role
    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...] | None
    """Read only where `speech` is not known."""
    confidence: float | None
    language: str | None
    flags: tuple[str, ...]
    speech: tuple[tuple[float, float], ...] | None
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
class ShownStep:
    """A row of `call_steps`, without its payload."""

    step: str
    state: str
    reason: str | None
    provider: str | None
    model: str | None
    cost_usd: float | None
    updated_at: datetime


def listed_calls(
    database: Database,
    wanted: CallFilter,
    timezone: str,
    *,
    sort: Sort = "newest",
    limit: int = 50,
    offset: int = 0,
    after: Place | None = None,
) -> list[ListedCall]:
    """A page of the list: from `offset` on, or after a place in it.

    Where a text is looked for, the first calls of the list are asked for it before all calls are: what many say fills
    the page from these, and of what few say there are few.
    """

    def page(chosen: CallFilter, **parameters: object) -> list[ListedCall]:
        return ask_of_chosen(
            database,
            "reading/list",
            record_row(ListedCall),
            chosen,
            timezone,
            sort=sort,
            limit=limit,
            quoted=wanted.text,
            after_first=after.first_key if after else None,
            after_second=after.second_key if after else None,
            after_id=after.call_id if after else None,
            **parameters,
        )

    if wanted.text is not None and limit <= _PAGE:
        looked_at = LOOKED_AT * (1 + offset // max(1, limit))
        found = page(replace(wanted, text=None), said=wanted.text, looked_at=looked_at, passed_over=0, offset=offset)
        if len(found) == limit:
            return found
    return page(wanted, said=None, looked_at=limit, passed_over=offset, offset=0)


def total_shown(database: Database, wanted: CallFilter, timezone: str, *, page: int, limit: int) -> Total:
    """How many calls `wanted` chooses; of what many say, only how many of the first calls have it (`Total.more`).

    Args:
        page: from 1, of `limit` calls each; with each more of the first calls are looked at.
    """
    if wanted.text is not None:
        (first,) = ask_of_chosen(
            database,
            "reading/count_first",
            record_row(Total),
            replace(wanted, text=None),
            timezone,
            said=wanted.text,
            looked_at=LOOKED_AT * page,
        )
        if not first.more or first.calls > limit * page:
            return first
    return total_of(database, wanted, timezone)


def total_of(database: Database, wanted: CallFilter, timezone: str) -> Total:
    """How many calls `wanted` chooses."""
    (total,) = ask_of_chosen(database, "reading/count", record_row(Total), wanted, timezone)
    return total


def choices_among(database: Database, wanted: CallFilter, timezone: str) -> list[Choice]:
    """Everything that these calls can be filtered by."""
    return ask_of_chosen(database, "reading/choices", record_row(Choice), wanted, timezone)


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


def rules_not_judged(database: Database, call_id: uuid.UUID) -> dict[str, int]:
    """Why rules could not be judged for the call, and how many for each reason."""
    return dict(ask(database, "reading/not_judged", tuple_row, call_id=call_id))


def shown_steps(database: Database, call_id: uuid.UUID) -> list[ShownStep]:
    """What each step says."""
    return ask(database, "reading/steps", record_row(ShownStep), call_id=call_id)
