"""What each vendor's client sends, as a whole: for each way of holding the model to a form."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from analysis.llm.provider import Message
from tests.analysis.llm.conftest import GOOD, GOOD_DATA, ask, settings
from tests.analysis.llm.providers.test_anthropic import _message, _tool_use, anthropic_key
from tests.analysis.llm.providers.test_bedrock import _bedrock, _bedrock_tool, _converse, aws_keys
from tests.analysis.llm.providers.test_remote_providers import _complete
from tests.analysis.llm.servers import answers, serving
from tests.pinned import assert_pinned

__all__ = ["anthropic_key", "aws_keys"]

ASKED = replace(
    ask(temperature=0.5), follow_up=(Message(role="assistant", text="{}"), Message(role="user", text="No."))
)


def kept(name: str, body: Any) -> None:
    assert_pinned(f"body_{name}.json", json.dumps(body, indent=1, sort_keys=True))


@pytest.mark.parametrize("structured", ["json_schema", "json_object", "tool", "prompt"])
def test_openai_bodies(structured: str) -> None:
    with serving(lambda number, body: answers(GOOD)) as server:
        _complete(settings(server.url, openai_chat={"structured": [structured]}), ASKED)
        kept(f"openai_{structured}", server.seen[0].json())


@pytest.mark.usefixtures("anthropic_key")
@pytest.mark.parametrize("send", [True, False])
def test_anthropic_bodies(send: bool) -> None:
    with serving(lambda number, body: _message(_tool_use(GOOD_DATA))) as server:
        chosen = {"model": "m", "base_url": server.url, "send_temperature": send}
        _complete(settings(server.url, providers=["anthropic"], anthropic=chosen), replace(ASKED, temperature=1.5))
        kept(f"anthropic_{'with' if send else 'without'}_temperature", server.seen[0].json())


@pytest.mark.usefixtures("aws_keys")
@pytest.mark.parametrize("structured", ["tool", "json_schema", "prompt"])
def test_bedrock_bodies(structured: str) -> None:
    content = _bedrock_tool(GOOD_DATA) if structured == "tool" else [{"text": GOOD}]
    with serving(lambda number, body: _converse(content)) as server:
        _complete(_bedrock(server.url, structured), ASKED)
        kept(f"bedrock_{structured}", server.seen[0].json())
