"""Agents and clients had two engines of one model: its weights were loaded twice in every analysis process."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.sentiment.shipped_models import FOLDER
from analysis.sentiment.text import build_text_engines
from pipeline.config.areas.sentiment import SentimentSettings
from pipeline.records import Role

_CUES = str(FOLDER / "text_cues")


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ({"engine": "lexicon"}, True),
        ({"engine": "sklearn"}, True),
        ({"engine": "sklearn", "sklearn": {"agent_model": _CUES, "client_model": _CUES}}, True),
        ({"engine": "sklearn", "sklearn": {"agent_model": _CUES}}, False),
    ],
)
def test_one_model_of_both_sides_has_one_engine(text: dict[str, Any], shared: bool) -> None:
    engines = build_text_engines(SentimentSettings.model_validate({"text": text}))
    assert (engines[Role.AGENT] is engines[Role.CLIENT]) is shared
    assert engines[Role.UNKNOWN] is engines[Role.CLIENT]
