"""Whoever answers questions, as configured."""

from __future__ import annotations

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.llm.choice import build_router
from analysis.llm.router import Router
from analysis.questions.asking import Asker
from analysis.redaction import redactor_of
from pipeline.config.root import Settings
from pipeline.errors import ModelUnavailable


def open_asker(settings: Settings, *, model: bool = True) -> Asker:
    """The asker, which loads encoder and language model at its first question.

    Args:
        model: false for quotes alone, whatever `ask.providers` says.
    """
    return Asker(settings.ask, encoder_of_questions(settings), _router(settings) if model else None)


def encoder_of_questions(settings: Settings) -> EncoderChoice:
    """The configured encoder; none, with the reason, also where its folder is not there: words still find calls."""
    try:
        return open_encoder(settings.encoder)
    except ModelUnavailable as error:
        return EncoderChoice(encoder=None, expected=WITHOUT.expected, reason=str(error))


def _router(settings: Settings) -> Router | None:
    if not settings.ask.providers:
        return None
    redactor = redactor_of(settings)
    return build_router(settings.llm_of_questions(), redactor, restore_redacted=not settings.redaction.redact_stored)
