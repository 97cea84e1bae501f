"""Anthropic's messages, through the `anthropic` client; the answer comes as the input of a forced tool."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from analysis.llm.deadline import AsyncConnection
from analysis.llm.provider import LLMRequest, Reply, RequestRefused
from analysis.llm.providers.remote import TOOL_DESCRIPTION, TOOL_NAME, chat_turns, environment_key, error_for_status
from analysis.llm.validation import plain
from pipeline.config.areas.llm import AnthropicSettings
from pipeline.errors import InvalidReply, StageTimeout, described
from pipeline.outside import client_options, connection_error

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

_FINISH = {"max_tokens": "length", "refusal": "refused", "model_context_window_exceeded": "length"}


class Anthropic:
    """One request per call. The service gives no token probabilities, so labels have none."""

    name = "anthropic"
    remote = True
    scores = False
    batch_size = 1

    def __init__(self, settings: AnthropicSettings) -> None:
        self._settings = settings
        self.model = settings.model or ""
        self.concurrency = settings.concurrency
        self._connection = AsyncConnection(self.name, self._connect)

    def generate(self, requests: Sequence[LLMRequest], time_limit_s: float) -> Sequence[Reply]:
        """See `LLMProvider.generate`."""
        where = f"anthropic ({self._settings.base_url})"
        return [
            self._connection.run(partial(self._ask, request, time_limit_s), time_limit_s, where) for request in requests
        ]

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._connection.close()

    def _connect(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient

        key = environment_key(self._settings.api_key_env)
        if key is None:
            raise RequestRefused(f"anthropic: set {self._settings.api_key_env} in the environment or .env")
        return AsyncAnthropic(
            api_key=key,
            base_url=self._settings.base_url,
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(**client_options(asynchronous=True)),
        )

    async def _ask(self, request: LLMRequest, time_limit_s: float, client: AsyncAnthropic) -> Reply:
        import anthropic

        try:
            raw = await client.messages.create(**self._parameters(request), timeout=time_limit_s)
        except anthropic.APITimeoutError as error:
            raise StageTimeout(f"anthropic: {error}") from error
        except anthropic.APIStatusError as error:
            headers = error.response.headers
            raise error_for_status(self.name, error.status_code, error.body, headers, error.message) from error
        except anthropic.APIResponseValidationError as error:
            raise InvalidReply(f"anthropic: the body is not a message: {described(error)}") from error
        except anthropic.APIConnectionError as error:
            raise connection_error("anthropic", self._settings.base_url, error) from None
        except (anthropic.AnthropicError, ValueError) as error:
            raise InvalidReply(f"anthropic: the body is not a message: {described(error)}") from error
        return _read(request, raw)

    def _parameters(self, request: LLMRequest) -> dict[str, Any]:
        system: dict[str, Any] = {"type": "text", "text": request.system}
        if self._settings.cache_system_prompt:
            system["cache_control"] = {"type": "ephemeral"}
        tool = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "input_schema": plain(request.schema)}
        parameters: dict[str, Any] = {
            "model": self.model,
            "system": [system],
            "messages": chat_turns(request),
            "max_tokens": request.max_tokens,
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": TOOL_NAME, "disable_parallel_tool_use": True},
        }
        if self._settings.send_temperature:
            # The client no longer knows the parameter, since newer models refuse it; older ones take it.
            parameters["extra_body"] = {"temperature": min(request.temperature, 1.0)}
        return parameters


def _read(request: LLMRequest, raw: Any) -> Reply:
    """The client does not check the body's shape, so nothing here may be taken for granted."""
    blocks = getattr(raw, "content", None)
    if not isinstance(blocks, list):
        raise InvalidReply("anthropic: the answer holds no content")
    tools = [block for block in blocks if getattr(block, "type", None) == "tool_use"]
    texts = [str(getattr(block, "text", "")) for block in blocks if getattr(block, "type", None) == "text"]
    text = json.dumps(plain(tools[0].input), ensure_ascii=False) if tools else "".join(texts)
    usage = getattr(raw, "usage", None)
    cached = [getattr(usage, f"cache_{what}_input_tokens", None) for what in ("creation", "read")]
    tokens_in = getattr(usage, "input_tokens", None)
    if isinstance(tokens_in, int):
        tokens_in += sum(count for count in cached if isinstance(count, int))
    return Reply(
        key=request.key,
        text=text,
        tokens_in=tokens_in,
        tokens_out=getattr(usage, "output_tokens", None),
        finish=_FINISH.get(str(getattr(raw, "stop_reason", "")), "stop"),
    )
