"""Roles for speakers whose channels do not tell who they are, and what is stored with the call about them."""

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


def told_by_words(prepared: PreparedCall) -> bool:
    """Whether the words decide who is the agent: of two speakers told apart, and of two channels that are nobody's."""
    if DIARISED in prepared.flags:
        return True
    sides = [(channel.role, channel.same_as_channel) for channel in prepared.channels]
    return sides == [(Role.UNKNOWN, None)] * 2


def guess_of(
    chunks: Sequence[TranscriptChunk], settings: DiarisationSettings, direction: Direction | None
) -> RoleGuess:
    """Roles of the two speakers; `channel` is the speaker."""
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
    """What the ledger keeps about the speakers; None for calls whose channels have roles."""
    settings = served_by(settings, prepared.diariser)
    if told_by_words(prepared):
        by_voice = DIARISED in prepared.flags
        guess = guess_of(chunks, settings, direction)
        sure = guess.confidence >= settings.min_role_confidence
        payload = {
            "engine": settings.engine if by_voice else None,
            "roles": [role.value for role in guess.roles],
            "confidence": round(guess.confidence, 4),
            "evidence": list(guess.evidence),
        }
        doubt = f"who is agent and who is client is not sure enough: {guess.confidence:.2f}"
        return _result(settings, StepState.DONE, payload, None if sure else doubt, by_voice=by_voice)
    if NOT_DIARISED in prepared.flags:
        return _result(settings, StepState.MISSING, None, prepared.notes.get(NOT_DIARISED, "no reason was given"))
    return None


def served_by(settings: DiarisationSettings, diariser: str | None) -> DiarisationSettings:
    """The settings with the engine that served, where they leave it open."""
    return settings.model_copy(update={"engine": diariser}) if diariser and settings.engine == "auto" else settings


def _model(settings: DiarisationSettings) -> str | None:
    return {"pyannote": settings.pyannote.model, "voices": settings.voices.model}.get(settings.engine)


def _result(
    settings: DiarisationSettings, state: StepState, payload: object | None, reason: str | None, by_voice: bool = False
) -> StepResult:
    options = json.dumps(counted(settings, Result.SPEAKERS, inherited=SPEAKERS), sort_keys=True)
    if reason is not None and state is StepState.MISSING:
        reason = f"both speakers are `unknown`, they could not be told apart: {reason}"
    return StepResult(
        step=STEP,
        fingerprint=hashlib.sha256(options.encode()).hexdigest(),
        state=state,
        payload=payload,
        reason=reason,
        provider=settings.engine if by_voice else None,
        model=_model(settings) if by_voice else None,
    )
