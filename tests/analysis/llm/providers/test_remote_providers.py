"""The vendors' clients against loopback servers that answer in the vendors' shapes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from analysis.llm.choice import build_router
from analysis.llm.provider import LLMAnswer, LLMRequest
from pipeline.config.areas.llm import LanguageModelSettings
from tests.analysis.llm.conftest import GOOD, GOOD_DATA, SCHEMA, SLOW_FAULTS, ask, settings
from tests.analysis.llm.servers import answers, body_is, drips, fails, is_silent, send, serving
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
    assert "JSON Schema" in last["messages"][0]["content"]


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
        refused = router.complete([ask(user="too long", label_fields=("topic",))])[0]
        assert (refused.data, refused.error_type) == (None, "InvalidReply")
        assert router.complete([ask(label_fields=("topic",))])[0].data == GOOD_DATA
        router.close()
        last = server.seen[-1].json()
    assert last["response_format"]["type"] == "json_schema"
    assert last["logprobs"] is True


def test_openai_tool_mode() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": GOOD}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    with serving(lambda number, body: answers("", message=message, finish_reason="tool_calls")) as server:
        answer = _complete(settings(server.url, openai_chat={"structured": ["tool"]}))
        assert server.seen[0].json()["tool_choice"]["function"]["name"] == "answer"
    assert answer.data == GOOD_DATA


def test_openai_label_probability() -> None:
    pieces = [
        ('{"topic": "', -0.1),
        ("lo", math.log(0.5)),
        ("an", math.log(0.8)),
        ('", "quotes": ["I want a loan"]}', -1),
    ]
    content = [
        {"token": piece, "logprob": logprob, "bytes": list(piece.encode()), "top_logprobs": []}
        for piece, logprob in pieces
    ]
    with serving(lambda number, body: answers(GOOD, logprobs={"content": content})) as server:
        answer = _complete(settings(server.url), ask(label_fields=("topic",)))
        assert server.seen[0].json()["logprobs"] is True
        plain = _complete(settings(server.url))
        assert "logprobs" not in server.seen[1].json()
    assert answer.label_probabilities["topic"]["loan"] == pytest.approx(0.4)
    assert plain.label_probabilities == {}


def test_openai_tokens_that_do_not_spell_the_answer_give_no_probability() -> None:
    content = [{"token": '{"topic": "card"}', "logprob": -0.1, "bytes": None, "top_logprobs": []}]
    with serving(lambda number, body: answers(GOOD, logprobs={"content": content})) as server:
        answer = _complete(settings(server.url), ask(label_fields=("topic",)))
    assert (answer.data, answer.label_probabilities) == (GOOD_DATA, {})


def test_openai_server_without_logprobs_answers_without() -> None:
    def behave(number: int, body: Mapping[str, Any]) -> Answer:
        return fails(400, message="logprobs are not supported") if "logprobs" in body else answers(GOOD)

    with serving(behave) as server:
        answer = _complete(settings(server.url), ask(label_fields=("topic",)))
        assert server.seen[-1].json()["response_format"]["type"] == "json_schema"
    assert answer.data == GOOD_DATA
    assert answer.label_probabilities == {}


def test_openai_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TEST_KEY", "secret-7")
    with serving(lambda number, body: answers(GOOD)) as server:
        _complete(settings(server.url, openai_chat={"api_key_env": "A_TEST_KEY"}))
        assert server.seen[0].headers["authorization"] == "Bearer secret-7"


# --- Anthropic


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


# --- Bedrock


def _converse(content: Any, **more: Any) -> Answer:
    values = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": {"inputTokens": 90, "outputTokens": 12, "totalTokens": 102},
        "metrics": {"latencyMs": 5},
    }
    return body_is(json.dumps(values | more).encode())


def _bedrock_tool(data: Any) -> list[dict[str, Any]]:
    return [{"toolUse": {"toolUseId": "tooluse_1", "name": "answer", "input": data}}]


def _bedrock_error(status: int, code: str) -> Answer:
    payload = json.dumps({"message": "no luck"}).encode()
    return lambda _: send(status, payload, {"x-amzn-ErrorType": code})


def _bedrock(url: str, structured: str = "tool", **more: Any) -> Any:
    chosen = {"model": "eu.amazon.nova-lite-v1:0", "region": "eu-west-1", "endpoint_url": url, "structured": structured}
    return settings(url, providers=["bedrock"], bedrock=chosen, **more)


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-9")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("aws_keys")
@pytest.mark.parametrize("structured", ["tool", "json_schema", "prompt"])
def test_bedrock_is_held_to_the_schema(structured: str) -> None:
    content = _bedrock_tool(GOOD_DATA) if structured == "tool" else [{"text": GOOD}]
    with serving(lambda number, body: _converse(content)) as server:
        answer = _complete(_bedrock(server.url, structured), ask(temperature=0.5))
        seen = server.seen[0]
    assert answer.data == GOOD_DATA
    assert (answer.provider, answer.tokens_in, answer.tokens_out) == ("bedrock", 90, 12)
    assert seen.path == "/model/eu.amazon.nova-lite-v1%3A0/converse"
    assert seen.json()["inferenceConfig"] == {"maxTokens": 200, "temperature": 0.5}
    if structured == "tool":
        assert seen.json()["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"] == SCHEMA
        assert seen.json()["toolConfig"]["toolChoice"] == {"tool": {"name": "answer"}}
    elif structured == "json_schema":
        spelled = seen.json()["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]
        assert json.loads(spelled) == SCHEMA
    else:
        assert "JSON Schema" in seen.json()["system"][0]["text"]


BEDROCK_FAULTS: dict[str, tuple[Answer, str]] = {
    "time-out": (is_silent, "StageTimeout"),
    "slow drip": (drips, "StageTimeout"),
    "throttled": (_bedrock_error(429, "ThrottlingException"), "Throttled"),
    "not ready": (_bedrock_error(429, "ModelNotReadyException"), "Throttled"),
    "model error": (_bedrock_error(424, "ModelErrorException"), "ServiceUnavailable"),
    "server error": (_bedrock_error(500, "InternalServerException"), "ServiceUnavailable"),
    "denied": (_bedrock_error(403, "AccessDeniedException"), "RequestRefused"),
    "unknown model": (_bedrock_error(404, "ResourceNotFoundException"), "RequestRefused"),
    "bad request": (_bedrock_error(400, "ValidationException"), "InvalidReply"),
    "label outside": (_converse(_bedrock_tool({"topic": "mortgage", "quotes": []})), "InvalidReply"),
    "guardrail": (_converse([{"text": "Sorry"}], stopReason="guardrail_intervened"), "InvalidReply"),
    "empty": (_converse([]), "InvalidReply"),
    "other shape": (body_is(b'{"outputs": []}'), "InvalidReply"),
    "not JSON": (body_is(b"<html>"), "InvalidReply"),
}


@pytest.mark.usefixtures("aws_keys")
@pytest.mark.parametrize("fault", BEDROCK_FAULTS)
def test_bedrock_faults(fault: str) -> None:
    behaviour, error_type = BEDROCK_FAULTS[fault]
    with serving(lambda number, body: behaviour) as server:
        limit = SLOW_FAULTS.get(fault, 20)
        answer = _complete(_bedrock(server.url, retry={"attempts": 1, "repairs": 0}, attempt_time_limit_s=limit))
        assert len(server.seen) == 1, "boto3's own retries are off"
    assert (answer.data, answer.error_type) == (None, error_type), answer.reason


@pytest.mark.usefixtures("aws_keys")
def test_bedrock_transient_fault_is_tried_again() -> None:
    fault, good = _bedrock_error(429, "ThrottlingException"), _converse(_bedrock_tool(GOOD_DATA))
    with serving(lambda number, body: good if number else fault) as server:
        answer = _complete(_bedrock(server.url))
    assert (answer.data, answer.attempts) == (GOOD_DATA, 2)


def test_bedrock_without_credentials_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    answer = _complete(_bedrock("http://127.0.0.1:9", attempt_time_limit_s=5))
    assert answer.error_type == "RequestRefused"
    assert "AWS_ACCESS_KEY_ID" in str(answer.reason)


def test_openai_a_schema_the_server_ignores_goes_into_the_prompt_after_one_bad_reply() -> None:
    """mlx_lm.server takes `json_schema` and ignores it: it writes what it likes until the prompt holds the schema."""

    def behave(number: int, body: Mapping[str, Any]) -> Answer:
        return answers(GOOD if "JSON Schema" in body["messages"][0]["content"] else "The caller wants a loan.")

    chosen = {"structured": ["json_schema", "prompt"]}
    with serving(behave) as server:
        router = build_router(settings(server.url, openai_chat=chosen, retry={"repairs": 1}))
        assert router is not None
        assert [answer.data for answer in router.complete([ask()])] == [GOOD_DATA]
        assert [answer.data for answer in router.complete([ask()])] == [GOOD_DATA]
        router.close()
        forms = [seen.json().get("response_format", {}).get("type") for seen in server.seen]
    assert forms == ["json_schema", None, None]


def test_openai_a_reply_that_was_cut_is_no_ignored_schema() -> None:
    with serving(lambda number, body: answers(GOOD[:10], finish_reason="length")) as server:
        router = build_router(settings(server.url, openai_chat={"structured": ["json_schema", "prompt"]}))
        assert router is not None
        router.complete([ask()])
        router.close()
        assert {seen.json()["response_format"]["type"] for seen in server.seen} == {"json_schema"}


def test_several_servers_side_by_side_each_with_its_model_key_and_price() -> None:
    """The first is down; the second, of the same kind, answers under its own name."""
    with serving(lambda number, body: fails(503)) as down, serving(lambda number, body: answers(GOOD)) as up:
        chosen = LanguageModelSettings.model_validate(
            {
                "providers": ["mistral", "own_server"],
                "servers": {
                    "mistral": {"model": "large", "base_url": f"{down.url}/v1"},
                    "own_server": {"model": "small", "base_url": f"{up.url}/v1"},
                },
                "prices": {"small": {"input": 10, "output": 100}, "large": {"input": 1, "output": 1}},
                "max_cost_usd": 1,
                "retry": {"attempts": 1},
            }
        )
        router = build_router(chosen)
        assert router is not None
        (answer,) = router.complete([ask()])
        assert router.models == ("mistral/large", "own_server/small")
        router.close()
        assert [server.seen[0].json()["model"] for server in (down, up)] == ["large", "small"]
    assert (answer.data, answer.provider, answer.model) == (GOOD_DATA, "own_server", "small")
    assert answer.passed_over[0].startswith("mistral: mistral answered 503")
    assert answer.cost_usd is not None
    assert answer.cost_usd > 0
    assert {name: why is None for name, why in answer.services.items()} == {"mistral": False, "own_server": True}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"providers": ["mistral"]}, "which is none of mlx_lm, bedrock, openai_chat, anthropic, extractive"),
        ({"providers": ["mistral"], "servers": {"mistral": {}}}, "llm.servers.mistral.model is not set"),
        ({"servers": {"anthropic": {"model": "m"}}}, "cannot be a server's name"),
        ({"servers": {"My server": {"model": "m"}}}, "cannot be a server's name"),
        (
            {"providers": ["mistral"], "servers": {"mistral": {"model": "m"}}, "max_cost_usd": 1},
            "the price of mistral is unknown",
        ),
    ],
    ids=["unknown", "no model", "taken", "malformed", "no price"],
)
def test_a_server_that_cannot_serve_is_told_at_once(wrong: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LanguageModelSettings.model_validate(wrong)
