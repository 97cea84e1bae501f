"""Roles for the speakers of a diarised call, and what is stored with the call about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from pipeline.config.areas.speech.diarisation import DiarisationSettings
from pipeline.config.influence import SPEAKERS, Result, counted
from pipeline.diarisation.calls import DIARISED, NOT_DIARISED
from pipeline.diarisation.roles import RoleGuess, Said, guess_roles
from pipeline.records import Direction, PreparedCall, Role, StepResult, StepState, TranscriptChunk

STEP = "speakers"
"""Key of the reason in `calls.missing_reasons`, and of the row in `call_steps`."""


def guess_of(
    chunks: Sequence[TranscriptChunk], settings: DiarisationSettings, direction: Direction | None
) -> RoleGuess:
    """Roles of the speakers of a diarised call; `channel` is the speaker."""
    return guess_roles(
        [
            Said(speaker=chunk.channel, start_s=chunk.start_s, text=chunk.text, language=chunk.language)
            for chunk in chunks
        ],
        settings.roles,
        direction,
    )


def roles_in_use(guess: RoleGuess, settings: DiarisationSettings) -> tuple[Role, Role]:
    """The guessed roles where they are sure enough, else both unknown."""
    return guess.roles if guess.confidence >= settings.min_role_confidence else (Role.UNKNOWN, Role.UNKNOWN)


def speakers_result(
    prepared: PreparedCall,
    chunks: Sequence[TranscriptChunk],
    settings: DiarisationSettings,
    direction: Direction | None,
) -> StepResult | None:
    """What the ledger keeps about the speakers of a mono call; None for calls with a channel per side."""
    settings = served_by(settings, prepared.diariser)
    if DIARISED in prepared.flags:
        guess = guess_of(chunks, settings, direction)
        sure = guess.confidence >= settings.min_role_confidence
        payload = {
            "engine": settings.engine,
            "roles": [role.value for role in guess.roles],
            "confidence": round(guess.confidence, 4),
            "evidence": list(guess.evidence),
        }
        doubt = f"who is agent and who is client is not sure enough: {guess.confidence:.2f}"
        return _result(settings, StepState.DONE, payload, None if sure else doubt)
    if NOT_DIARISED in prepared.flags:
        return _result(settings, StepState.MISSING, None, prepared.notes.get(NOT_DIARISED, "no reason was given"))
    return None


def served_by(settings: DiarisationSettings, diariser: str | None) -> DiarisationSettings:
    """The settings with the engine that served, where they leave it open."""
    return settings.model_copy(update={"engine": diariser}) if diariser and settings.engine == "auto" else settings


def _model(settings: DiarisationSettings) -> str | None:
    return {"pyannote": settings.pyannote.model, "voices": settings.voices.model}.get(settings.engine)


def _result(settings: DiarisationSettings, state: StepState, payload: object | None, reason: str | None) -> StepResult:
    options = json.dumps(counted(settings, Result.SPEAKERS, inherited=SPEAKERS), sort_keys=True)
    if reason is not None and state is StepState.MISSING:
        reason = f"both speakers are `unknown`, they could not be told apart: {reason}"
    return StepResult(
        step=STEP,
        fingerprint=hashlib.sha256(options.encode()).hexdigest(),
        state=state,
        payload=payload,
        reason=reason,
        provider=settings.engine if state is StepState.DONE else None,
        model=_model(settings) if state is StepState.DONE else None,
    )
