"""Anthropic's protocol, against a server on loopback that speaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.analysis.llm.conftest import GOOD_DATA, SCHEMA, SLOW_FAULTS, settings
from tests.analysis.llm.providers.test_remote_providers import _complete
from tests.analysis.llm.servers import body_is, drips, fails, is_silent, serving
from tests.loopback import Answer


def _message(content: Any, **more: Any) -> Answer:
    values = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 80, "output_tokens": 15, "cache_read_input_tokens": 20},
    }
    return body_is(json.dumps(values | more).encode())


def _tool_use(data: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_use", "id": "toolu_1", "name": "answer", "input": data}]


def _anthropic(url: str, **more: Any) -> Any:
    return settings(url, providers=["anthropic"], anthropic={"model": "m", "base_url": url}, **more)


@pytest.fixture
def anthropic_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret-8")


@pytest.mark.usefixtures("anthropic_key")
def test_anthropic_answers_through_its_tool() -> None:
    with serving(lambda number, body: _message(_tool_use(GOOD_DATA))) as server:
        answer = _complete(_anthropic(server.url))
        seen = server.seen[0]
    assert answer.data == GOOD_DATA
    assert (answer.tokens_in, answer.tokens_out) == (100, 15)
    assert seen.path == "/v1/messages"
    assert seen.json()["tools"][0]["input_schema"] == SCHEMA
    assert seen.json()["tool_choice"]["name"] == "answer"
    assert "temperature" not in seen.json()
    assert seen.json()["system"][0]["cache_control"] == {"type": "ephemeral"}


ANTHROPIC_FAULTS: dict[str, tuple[Answer, str]] = {
    "time-out": (is_silent, "StageTimeout"),
    "slow drip": (drips, "StageTimeout"),
    "429": (fails(429), "Throttled"),
    "overloaded": (fails(529), "ServiceUnavailable"),
    "bad key": (fails(401), "RequestRefused"),
    "label outside": (_message(_tool_use({"topic": "mortgage", "quotes": []})), "InvalidReply"),
    "empty": (_message([]), "InvalidReply"),
    "refusal": (_message([], stop_reason="refusal"), "InvalidReply"),
    "other shape": (body_is(b'{"type": "list"}'), "InvalidReply"),
    "not JSON": (body_is(b"<html>"), "InvalidReply"),
}


@pytest.mark.usefixtures("anthropic_key")
@pytest.mark.parametrize("fault", ANTHROPIC_FAULTS)
def test_anthropic_faults(fault: str) -> None:
    behaviour, error_type = ANTHROPIC_FAULTS[fault]
    with serving(lambda number, body: behaviour) as server:
        answer = _complete(
            _anthropic(server.url, retry={"attempts": 1}, attempt_time_limit_s=SLOW_FAULTS.get(fault, 20))
        )
    assert (answer.data, answer.error_type) == (None, error_type), answer.reason


def test_anthropic_without_a_key_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    answer = _complete(_anthropic("http://127.0.0.1:9"))
    assert answer.error_type == "RequestRefused"
    assert "ANTHROPIC_API_KEY" in str(answer.reason)
