"""Requests, quick settings and the tiny model that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from analysis.llm.provider import LLMRequest
from bench.materials.tiny_llm import build_tiny_llm
from pipeline.config.areas.llm import LanguageModelSettings

TOPICS = ("lost card", "card", "loan", 'the "other" one, éà', "other")
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "topic": {"enum": list(TOPICS)},
        "quotes": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["topic", "quotes"],
}
GOOD = '{"topic": "loan", "quotes": ["I want a loan"]}'
GOOD_DATA = {"topic": "loan", "quotes": ["I want a loan"]}


def ask(key: str = "1", user: str = "I want a loan", **more: Any) -> LLMRequest:
    values: dict[str, Any] = {
        "key": key,
        "purpose": "topic",
        "system": "Choose the topic of the call.",
        "user": user,
        "schema": SCHEMA,
        "max_tokens": 200,
    }
    return LLMRequest(**(values | more))


SLOW_FAULTS = {"time-out": 1.0, "slow drip": 1.0}
"""Limit of an attempt (s) for the faults that only a limit ends; the others get enough for a busy machine."""


def settings(url: str, **more: Any) -> LanguageModelSettings:
    """openai_chat at `url`, with waits short enough for a test."""
    remote = {"model": "m", "base_url": url + "/v1", "structured": ["json_schema"], "concurrency": 8}
    values: dict[str, Any] = {
        "providers": ["openai_chat"],
        "attempt_time_limit_s": 20,
        "request_time_limit_s": 60,
        "openai_chat": remote | more.pop("openai_chat", {}),
        "retry": {"attempts": 3, "initial_wait_s": 0.01, "max_wait_s": 2} | more.pop("retry", {}),
        "breaker": {"failures": 1000, "reset_s": 60} | more.pop("breaker", {}),
    }
    return LanguageModelSettings.model_validate(values | more)


@pytest.fixture(scope="session")
def tiny_llm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights."""
    return build_tiny_llm(tmp_path_factory.mktemp("tiny-llm"))
