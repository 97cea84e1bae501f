"""Whoever answers questions, as configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import WITHOUT, EncoderChoice, SentenceEncoder, Vectors
from analysis.llm.router import Router, build_router
from analysis.questions.asking import Asker
from analysis.redaction import build_redactor
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
        found = open_encoder(settings.encoder)
        return found if found.encoder is None else replace(found, encoder=OneAtATime(found.encoder))
    except ModelUnavailable as error:
        return EncoderChoice(encoder=None, expected=WITHOUT.expected, reason=str(error))


class OneAtATime:
    """An encoder that several threads may use."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self._encoder, self._lock = encoder, Lock()

    @property
    def space(self) -> str:
        return self._encoder.space

    @property
    def identity(self) -> str:
        return self._encoder.identity

    def knows(self, language: str | None) -> bool:
        return self._encoder.knows(language)

    def encode(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return self._encoder.encode(texts)

    def close(self) -> None:
        with self._lock:
            self._encoder.close()


def _router(settings: Settings) -> Router | None:
    if not settings.ask.providers:
        return None
    redactor = build_redactor(settings.redaction)
    return build_router(settings.llm_of_questions(), redactor, restore_redacted=not settings.redaction.redact_stored)
