"""What the three steps share: fingerprints and results with their reasons."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.calls import language_of
from analysis.records import ChunkSentiment, Sentiment
from analysis.results import done, failed, missing
from analysis.sentiment.whole_call import summarise_call
from pipeline.config.areas.sentiment import CallMoodSettings
from pipeline.ports import AnalysisStep
from pipeline.records import CallForAnalysis, Role, StepResult, TranscriptChunk

_METHOD = "2026-11.4"
"""Part of every fingerprint: changed when the code gives different results with the same settings."""


def step_hash(*parts: object) -> str:
    return hashlib.sha256("\x1f".join((_METHOD, *map(str, parts))).encode()).hexdigest()


def mood_key(settings: CallMoodSettings) -> str:
    return settings.model_dump_json()


def call_result(
    step: AnalysisStep,
    of: CallForAnalysis,
    chunks: Sequence[ChunkSentiment],
    settings: CallMoodSettings,
    *,
    provider: str,
    model: str,
    broken: bool = False,
    note: str | None = None,
    role_reasons: Mapping[Role, str] | None = None,
) -> StepResult:
    """DONE where any chunk has a value; else MISSING (or FAILED when something broke), with the commonest reason.

    Args:
        chunks: in the order of the transcript.
    """
    name, fingerprint, said = step.name, step.fingerprint(of), of.transcript.chunks
    call = summarise_call(said, chunks, of.duration_s, settings, role_reasons=role_reasons, language=language_of(of))
    if not call.chunks:
        return missing(name, fingerprint, "nothing was said")
    if all(chunk.sentiment is None for chunk in call.chunks):
        reasons = [chunk.reason or "no value" for chunk in call.chunks]
        commonest = max(sorted(set(reasons)), key=reasons.count)
        return (failed if broken else missing)(name, fingerprint, commonest)
    of_roles = [f"{role.role.value}: {role.reason}" for role in call.roles if role.reason is not None]
    notes = "; ".join([*([note] if note else []), *of_roles])
    return replace(done(name, fingerprint, call, provider, notes or None), model=model)


def chunk_sentiment(chunk: TranscriptChunk, sentiment: Sentiment | None, reason: str | None = None) -> ChunkSentiment:
    return ChunkSentiment(channel=chunk.channel, ordinal=chunk.ordinal, sentiment=sentiment, reason=reason)
