"""Answers about calls. A value that is not known is null, and `missing` says why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from pipeline.records import CallStatus, Role, StepState
from service.answers import Answer, Share


class Mood(Answer):
    """How somebody sounds. The three probabilities sum to 1."""

    label: str = Field(examples=["negative"])
    """The most probable one: negative, neutral or positive."""
    negative: Share
    neutral: Share
    positive: Share


class Moods(Answer):
    """One side's mood, by what it is taken from."""

    fusion: Mood | None
    """From the words, and from the voice where it stands out: the one to use where there is one."""
    text: Mood | None
    """From the words."""
    acoustic: Mood | None
    """From the voice: whether it stands out from the speaker's own usual."""


class MoodTurn(Answer):
    """Where the customer's mood changed for good."""

    at_s: float
    by: Role | None
    """Whose turn came right before."""
    to: str | None
    """better or worse; null in calls of earlier versions."""
    channel: int | None
    """With `ordinal`: the last chunk of the turn before; null in calls of earlier versions."""
    ordinal: int | None


class Quote(Answer):
    """A verbatim sentence of the call, and where it is said."""

    text: str | None
    """Null where the token may not read words."""
    channel: int
    ordinal: int
    """Place of its chunk within the channel, from 0."""
    start_s: float


class TopicOfCall(Answer):
    """What the call is about, by the glossary of the company."""

    topic: str
    subtopic: str | None
    confidence: Share | None
    """How likely the topic is right; null where what chose it gives none."""
    second_topic: str | None
    """A second reason for the call."""
    second_subtopic: str | None
    second_confidence: Share | None
    catalogue: str | None
    """The glossary it is from."""
    evidence: tuple[Quote, ...]


class SummarySentence(Answer):
    """A sentence of the call that a part of the summary rests on."""

    part: str = Field(examples=["reason"])
    """reason, detail, done, outcome, promise, open, or line where parts are not told apart."""
    text: str
    """Verbatim."""
    role: Role
    channel: int
    ordinal: int
    start_s: float
    end_s: float


class SummaryOfCall(Answer):
    """What happened in the call."""

    text: str
    reason: str | None
    """Why the customer called."""
    done: str | None
    """What was done about it."""
    outcome: str | None
    key_points: tuple[str, ...]
    next_step: str | None
    language: str | None
    """ISO 639-1."""
    evidence: tuple[SummarySentence, ...]
    check: str | None
    """What comparing a language model's statements with the call came to: `verified`, or how many were not; null where
    the summary is made of the call's own sentences."""


class Promise(Answer):
    """Something that somebody said they would do."""

    what: str
    who: str | None
    by_when: str | None


class TalkMeasures(Answer):
    """Measures of the talk itself; null where times of speech or roles are not known."""

    agent_talk_s: float | None
    client_talk_s: float | None
    agent_talk_share: Share | None
    """Of the length of the call."""
    client_talk_share: Share | None
    silence_s: float | None
    """In which nobody speaks."""
    silence_share: Share | None
    longest_silence_s: float | None
    overtalk_s: float | None
    """In which both speak."""
    agent_interruptions: int | None
    client_interruptions: int | None
    turns: int | None
    agent_words_per_minute: float | None
    client_words_per_minute: float | None
    agent_longest_turn_s: float | None
    client_longest_turn_s: float | None
    first_response_s: float | None
    """From the end of the customer's first turn to the agent's answer."""


class RuleThatHolds(Answer):
    """Why the call needs attention."""

    rule: str
    title: str
    reason: str | None
    """What was found, in words; null where the token may not read words."""
    quote: str | None
    """The sentence that shows it; null where none does, or where the token may not read words."""
    role: Role | None
    """Whose words or mood it is."""
    start_s: float | None
    """First moment; null where it is about the whole call."""
    weight: float
    critical: bool
    occurrences: int


class Recording(Answer):
    """The recording, as it was when last looked at."""

    source_uri: str
    size_bytes: int
    modified_at: datetime | None
    sha256: str | None
    container: str | None
    codec: str | None
    channels: int | None
    sample_rate_hz: int | None


class FailureOfCall(Answer):
    """Why there is no result, or why the file was skipped."""

    type: str
    message: str | None
    stage: str | None
    another_try_may_help: bool | None


class Recogniser(Answer):
    """What the transcript was made with."""

    engine: str
    model: str | None
    revision: str | None
    demonstration: bool
    """True where the words are a demonstration engine's, which nobody should rely on."""
    passed_over: tuple[str, ...]
    """Why each recogniser listed earlier was not used."""
    transcript_fingerprint: str | None


class Step(Answer):
    """What one step of the analysis came to, and what made it."""

    step: str = Field(examples=["summary"])
    state: StepState
    reason: str | None
    """Why there is no value."""
    provider: str | None
    """Of a language model."""
    model: str | None
    cost_usd: float | None
    updated_at: datetime


class ListedCall(Answer):
    """A call in a list."""

    call_id: UUID
    file_name: str
    status: CallStatus
    started_at: datetime | None
    """When the call began; null where neither file name nor sidecar says."""
    duration_s: float | None
    direction: str | None
    """inbound, outbound or internal, seen from the company."""
    agent_id: str | None
    queue: str | None
    customer: str | None
    """The customer's key, or the number on the other end."""
    language: str | None
    """ISO 639-1."""
    topic: str | None
    subtopic: str | None
    mood: str | None
    """The customer's, over the call: negative, neutral or positive."""
    silence_share: Share | None
    client_talk_share: Share | None
    attention: tuple[str, ...]
    """Names of the rules that hold, the weightiest first."""
    attention_critical: bool | None
    """Null while no rules were judged."""
    flags: tuple[str, ...]
    """What is odd about the recording."""
    summary: str | None
    """Null where there is none, or where the token may not read words."""
    error_type: str | None
    """Why there is no result."""
    missing: Mapping[str, str]
    """Why a value is null, by step."""


class Call(Answer):
    """All that is known of a call, but for what was said (`/turns`, `/transcript`)."""

    call_id: UUID
    file_name: str
    status: CallStatus
    """transcribed (not analysed yet), done, failed, skipped (not a call), or quarantined (failed in several runs)."""
    started_at: datetime | None
    duration_s: float | None
    direction: str | None
    agent_id: str | None
    customer_segment: str | None
    """b2b or b2c."""
    queue: str | None
    extension: str | None
    related_call: str | None
    """The call this one was transferred from, as the file name gives it."""
    customer: str | None
    caller: str | None
    """Who called."""
    metadata: Mapping[str, Any]
    """Further named parts of the file name, of sidecars and of what was submitted with the recording."""
    language: str | None
    flags: tuple[str, ...]
    moods: Mapping[Role, Moods]
    """By side; `unknown` for speakers whose side is not known."""
    mood_turn: MoodTurn | None
    topic: TopicOfCall | None
    summary: SummaryOfCall | None
    """Null where there is none, or where the token may not read words."""
    action_items: tuple[Promise, ...] | None
    """The same."""
    talk: TalkMeasures
    attention_weight: float | None
    """Sum of the weights of the rules that hold; null while no rules were judged."""
    attention: tuple[RuleThatHolds, ...]
    """The weightiest first."""
    missing: Mapping[str, str]
    """Why a value is null: by step (text, acoustic, fusion, topic, summary, conversation, speakers) or by role and step
    (agent_text, …)."""
    error: FailureOfCall | None
    recording: Recording
    recogniser: Recogniser | None
    """Null without a transcript."""
    steps: tuple[Step, ...]
    run_id: UUID | None
    processed_at: datetime
