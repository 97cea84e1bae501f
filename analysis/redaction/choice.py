"""Which redactor serves: the rules, and what was learned where the sentence encoder is there."""

from __future__ import annotations

import logging
from functools import lru_cache

from analysis.encoder.choice import open_encoder
from analysis.encoder.vectors import WITHOUT, EncoderChoice
from analysis.redaction.learned.features import LANGUAGE
from analysis.redaction.learned.tagger import Tagger
from analysis.redaction.learned.weights import shipped
from analysis.redaction.redactor import Redactor
from pipeline.config.areas.encoder import EncoderSettings
from pipeline.config.areas.redaction import RedactionSettings
from pipeline.config.root import Settings
from pipeline.errors import ModelUnavailable

logger = logging.getLogger(__name__)


def redactor_of(settings: Settings) -> Redactor:
    """The redactor of a configuration, with the one encoder of this process that redaction reads with."""
    return build_redactor(settings.redaction, encoder_of_redaction(settings.encoder))


@lru_cache(maxsize=2)
def encoder_of_redaction(settings: EncoderSettings) -> EncoderChoice:
    """None, with the reason, also where its folder is not there: the rules still find what they know."""
    try:
        return open_encoder(settings)
    except ModelUnavailable as error:
        logger.warning("redaction by its rules alone: %s", error)
        return EncoderChoice(encoder=None, expected=WITHOUT.expected, reason=str(error))


def build_redactor(settings: RedactionSettings, encoder: EncoderChoice = WITHOUT) -> Redactor:
    """The redactor `redaction` describes. Without an encoder, or with another one than the weights were fitted on, by
    the rules alone. Raises ConfigurationError for an unknown national id."""
    serving = encoder.for_language(LANGUAGE)
    if serving is None:
        return Redactor(settings)
    if serving.space != shipped().space:
        logger.info("redaction by its rules alone: what was learned is for the encoder %s", shipped().space)
        return Redactor(settings)
    return Redactor(settings, Tagger(serving, shipped()))
