"""Bedrock's protocol, against a server on loopback that speaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from analysis.llm.choice import build_router
from pipeline.config.areas.llm import LanguageModelSettings
from tests.analysis.llm.conftest import GOOD, GOOD_DATA, SCHEMA, SLOW_FAULTS, ask, settings
from tests.analysis.llm.providers.test_remote_providers import _complete
from tests.analysis.llm.servers import answers, body_is, drips, fails, is_silent, send, serving
from tests.loopback import Answer


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
        assert "of this form" in seen.json()["system"][0]["text"]


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


def test_openai_a_schema_the_server_ignores_is_shown_as_a_form_after_one_bad_reply() -> None:
    """mlx_lm.server takes `json_schema` and ignores it: it writes what it likes until the prompt holds the form."""

    def behave(number: int, body: Mapping[str, Any]) -> Answer:
        return answers(GOOD if "of this form" in body["messages"][0]["content"] else "The caller wants a loan.")

    chosen = {"structured": ["json_schema", "prompt"]}
    with serving(behave) as server:
        router = build_router(settings(server.url, openai_chat=chosen, retry={"repairs": 0}))
        assert router is not None
        first, second = router.complete([ask()])[0], router.complete([ask()])[0]
        router.close()
        bodies = [seen.json() for seen in server.seen]
    assert (first.data, second.data) == (GOOD_DATA, GOOD_DATA)
    assert [body.get("response_format", {}).get("type") for body in bodies] == ["json_schema", None, None]
    assert {len(body["messages"]) for body in bodies} == {2}, "a small model repeats a reply that it is shown"
    assert (first.tokens_in, second.tokens_in) == (200, 100), "what was of no use was paid for, too"


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
