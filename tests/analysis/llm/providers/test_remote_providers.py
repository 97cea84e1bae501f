"""The vendors' clients against loopback servers that answer in the vendors' shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analysis.llm.choice import build_router
from analysis.llm.provider import LLMAnswer, LLMRequest
from tests.analysis.llm.conftest import GOOD, GOOD_DATA, SCHEMA, ask, settings
from tests.analysis.llm.servers import answers, fails, serving
from tests.loopback import Answer


def _complete(chosen: Any, request: LLMRequest | None = None) -> LLMAnswer:
    router = build_router(chosen)
    assert router is not None
    try:
        return router.complete([request or ask()])[0]
    finally:
        router.close()


# --- servers that speak OpenAI's chat completions


def test_openai_is_held_to_the_schema() -> None:
    with serving(lambda number, body: answers(GOOD)) as server:
        answer = _complete(settings(server.url), ask(temperature=0.5))
        body = server.seen[0].json()
    assert answer.data == GOOD_DATA
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("m", 200, 0.5)
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]


@pytest.mark.parametrize(
    ("refused", "kept"), [({"json_schema"}, "json_object"), ({"json_schema", "json_object"}, "prompt")]
)
def test_openai_steps_down_to_what_the_server_takes_and_remembers(refused: set[str], kept: str) -> None:
    def behave(number: int, body: Mapping[str, Any]) -> Answer:
        wanted = body.get("response_format", {}).get("type")
        return fails(400, message=f"response_format {wanted} is not supported") if wanted in refused else answers(GOOD)

    chosen = {"structured": ["json_schema", "json_object", "prompt"]}
    with serving(behave) as server:
        router = build_router(settings(server.url, openai_chat=chosen))
        assert router is not None
        assert router.complete([ask()])[0].data == GOOD_DATA
        steps = len(server.seen)
        assert router.complete([ask()])[0].data == GOOD_DATA
        router.close()
        assert (steps, len(server.seen)) == (len(refused) + 1, len(refused) + 2)
        last = server.seen[-1].json()
    assert last.get("response_format", {}).get("type", "prompt") == kept
    assert "of this form" in last["messages"][0]["content"]


def test_openai_request_that_is_refused_in_any_form_changes_nothing_for_the_next() -> None:
    def behave(number: int, body: Mapping[str, Any]) -> Answer:
        return (
            fails(400, message="context length exceeded")
            if "too long" in body["messages"][1]["content"]
            else answers(GOOD)
        )

    with serving(behave) as server:
        router = build_router(settings(server.url, openai_chat={"structured": ["json_schema", "prompt"]}))
        assert router is not None
        refused = router.complete([ask(user="too long")])[0]
        assert (refused.data, refused.error_type) == (None, "InvalidReply")
        assert router.complete([ask()])[0].data == GOOD_DATA
        router.close()
        last = server.seen[-1].json()
    assert last["response_format"]["type"] == "json_schema"


def test_openai_tool_mode() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": GOOD}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    with serving(lambda number, body: answers("", message=message, finish_reason="tool_calls")) as server:
        answer = _complete(settings(server.url, openai_chat={"structured": ["tool"]}))
        assert server.seen[0].json()["tool_choice"]["function"]["name"] == "answer"
    assert answer.data == GOOD_DATA


def test_openai_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TEST_KEY", "secret-7")
    with serving(lambda number, body: answers(GOOD)) as server:
        _complete(settings(server.url, openai_chat={"api_key_env": "A_TEST_KEY"}))
        assert server.seen[0].headers["authorization"] == "Bearer secret-7"
