"""The real voice encoder, where its package is installed."""

from __future__ import annotations

import pytest

from pipeline.config.areas.speech.diarisation import VoicesSettings
from pipeline.diarisation.voices.diariser import VoicesDiariser
from pipeline.errors import ModelUnavailable


@pytest.fixture(scope="session")
def diariser() -> VoicesDiariser:
    try:
        return VoicesDiariser(VoicesSettings())
    except ModelUnavailable as error:
        pytest.skip(f"the voice encoder's weights are not here: {error}")
