"""What the three steps share: fingerprints and results with their reasons."""

from __future__ import annotations

import hashlib

from analysis.records import CallSentiment, ChunkSentiment, Sentiment
from pipeline.config.areas.sentiment import CallMoodSettings
from pipeline.records import StepResult, StepState, TranscriptChunk

_METHOD = "2026-11.2"
"""Part of every fingerprint: changed when the code, not the settings, gives other results."""


def step_hash(*parts: object) -> str:
    return hashlib.sha256("\x1f".join((_METHOD, *map(str, parts))).encode()).hexdigest()


def mood_key(settings: CallMoodSettings) -> str:
    return settings.model_dump_json()


def no_value(step: str, fingerprint: str, reason: str, state: StepState = StepState.MISSING) -> StepResult:
    return StepResult(step=step, fingerprint=fingerprint, state=state, payload=None, reason=reason)


def call_result(
    step: str, fingerprint: str, call: CallSentiment, *, provider: str, model: str, broken: bool = False
) -> StepResult:
    """DONE where any chunk has a value; else MISSING (or FAILED when something broke), with the commonest reason."""
    if not call.chunks:
        return no_value(step, fingerprint, "nothing was said")
    if all(chunk.sentiment is None for chunk in call.chunks):
        reasons = [chunk.reason or "no value" for chunk in call.chunks]
        commonest = max(sorted(set(reasons)), key=reasons.count)
        return no_value(step, fingerprint, commonest, StepState.FAILED if broken else StepState.MISSING)
    parts = [f"{one.role.value}: {one.reason}" for one in call.roles if one.reason is not None]
    return StepResult(
        step=step,
        fingerprint=fingerprint,
        state=StepState.DONE,
        payload=call,
        reason="; ".join(parts) or None,
        provider=provider,
        model=model,
    )


def chunk_sentiment(chunk: TranscriptChunk, sentiment: Sentiment | None, reason: str | None = None) -> ChunkSentiment:
    return ChunkSentiment(channel=chunk.channel, ordinal=chunk.ordinal, sentiment=sentiment, reason=reason)
