"""What the three steps share: fingerprints and results with their reasons."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from analysis.records import CallSentiment, ChunkSentiment, Sentiment
from analysis.results import done, failed, missing
from pipeline.config.areas.sentiment import CallMoodSettings
from pipeline.records import StepResult, TranscriptChunk

_METHOD = "2026-11.4"
"""Part of every fingerprint: changed when the code gives different results with the same settings."""


def step_hash(*parts: object) -> str:
    return hashlib.sha256("\x1f".join((_METHOD, *map(str, parts))).encode()).hexdigest()


def mood_key(settings: CallMoodSettings) -> str:
    return settings.model_dump_json()


def call_result(
    step: str,
    fingerprint: str,
    call: CallSentiment,
    *,
    provider: str,
    model: str,
    broken: bool = False,
    note: str | None = None,
) -> StepResult:
    """DONE where any chunk has a value; else MISSING (or FAILED when something broke), with the commonest reason."""
    if not call.chunks:
        return missing(step, fingerprint, "nothing was said")
    if all(chunk.sentiment is None for chunk in call.chunks):
        reasons = [chunk.reason or "no value" for chunk in call.chunks]
        commonest = max(sorted(set(reasons)), key=reasons.count)
        return (failed if broken else missing)(step, fingerprint, commonest)
    of_roles = [f"{role.role.value}: {role.reason}" for role in call.roles if role.reason is not None]
    notes = "; ".join([*([note] if note else []), *of_roles])
    return replace(done(step, fingerprint, call, provider, notes or None), model=model)


def chunk_sentiment(chunk: TranscriptChunk, sentiment: Sentiment | None, reason: str | None = None) -> ChunkSentiment:
    return ChunkSentiment(channel=chunk.channel, ordinal=chunk.ordinal, sentiment=sentiment, reason=reason)
