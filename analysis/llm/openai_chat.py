"""Any server that speaks OpenAI's chat completions, through the `openai` client."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.llm.deadline import EventLoop
from analysis.llm.labels import TokenLogprob, label_probabilities
from analysis.llm.provider import LLMRequest, Reply
from analysis.llm.remote import (
    TOOL_DESCRIPTION,
    TOOL_NAME,
    chat_turns,
    environment_key,
    error_for_status,
    schema_in_words,
)
from analysis.llm.validation import plain
from pipeline.config.llm import OpenAIChatSettings
from pipeline.errors import InvalidReply, ServiceUnavailable, StageTimeout

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_REFUSALS = frozenset({400, 404, 415, 422, 501})
"""Statuses by which servers refuse a parameter they do not know."""


class OpenAIChat:
    """One request per call; structured output by the first mode of `structured` that the server takes."""

    name = "openai_chat"
    remote = True
    batch_size = 1

    def __init__(self, settings: OpenAIChatSettings) -> None:
        self._settings = settings
        self.model = settings.model or ""
        self.concurrency = settings.concurrency
        self._modes: tuple[str, ...] = settings.structured
        self._logprobs = settings.logprobs
        self._lock = threading.Lock()
        self._loop: EventLoop | None = None
        self._client: AsyncOpenAI | None = None

    def generate(self, requests: Sequence[LLMRequest], time_limit_s: float) -> Sequence[Reply]:
        """See `LLMProvider.generate`."""
        loop, client = self._connect()
        return [
            loop.run(self._ask(client, request, time_limit_s), time_limit_s, f"openai_chat ({self._settings.base_url})")
            for request in requests
        ]

    def close(self) -> None:
        """Close the connections; idempotent."""
        with self._lock:
            if self._loop is not None and self._client is not None:
                self._loop.run(self._client.close(), 5, "closing openai_chat")
                self._loop.close()
            self._loop = self._client = None

    def _connect(self) -> tuple[EventLoop, AsyncOpenAI]:
        from openai import AsyncOpenAI

        with self._lock:
            if self._loop is None or self._client is None:
                self._loop = EventLoop("openai_chat")
                self._client = AsyncOpenAI(
                    api_key=environment_key(self._settings.api_key_env) or "none",
                    base_url=self._settings.base_url,
                    max_retries=0,  # the router retries
                )
            return self._loop, self._client

    async def _ask(self, client: AsyncOpenAI, request: LLMRequest, time_limit_s: float) -> Reply:
        """Steps down to plainer parameters while the server refuses them; what it takes is remembered."""
        import openai

        while True:
            modes, logprobs = self._modes, self._logprobs and bool(request.label_fields)
            try:
                raw = await client.chat.completions.create(
                    **self._parameters(request, modes[0], logprobs), timeout=time_limit_s
                )
            except openai.APITimeoutError as error:
                raise StageTimeout(f"openai_chat: {error}") from error
            except openai.APIStatusError as error:
                if error.status_code in _REFUSALS and self._step_down(modes, logprobs, error.message):
                    continue
                raise error_for_status(
                    self.name, error.status_code, error.message, error.response.headers, error.code
                ) from error
            except openai.APIResponseValidationError as error:
                raise InvalidReply(f"openai_chat: the body is not a chat completion: {error}") from error
            except openai.APIConnectionError as error:
                raise ServiceUnavailable(f"openai_chat: no connection to {self._settings.base_url}: {error}") from error
            except (openai.OpenAIError, ValueError) as error:
                raise InvalidReply(f"openai_chat: the body is not a chat completion: {error}") from error
            return _read(request, raw)

    def _step_down(self, modes: tuple[str, ...], logprobs: bool, message: str) -> bool:
        """True when there is a plainer way to ask than the one just refused."""
        with self._lock:
            if logprobs and ("logprob" in message.lower() or len(modes) == 1):
                self._logprobs = False
                return True
            if len(modes) > 1:
                if self._modes == modes:
                    self._modes = modes[1:]
                return True
            return False

    def _parameters(self, request: LLMRequest, mode: str, logprobs: bool) -> dict[str, Any]:
        settings = self._settings
        system = request.system if mode in {"json_schema", "tool"} else schema_in_words(request)
        parameters: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "system", "content": system}, *chat_turns(request)],
            settings.reply_limit_field: request.max_tokens,
        }
        if settings.send_temperature:
            parameters["temperature"] = request.temperature
        if logprobs:
            parameters["logprobs"] = True
            parameters["top_logprobs"] = 1  # mlx_lm.server spells its tokens only when asked for these
        schema = plain(request.schema)
        if mode == "json_schema":
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": request.purpose, "schema": schema, "strict": True},
            }
        elif mode == "tool":
            function = {"name": TOOL_NAME, "description": TOOL_DESCRIPTION, "parameters": schema}
            parameters["tools"] = [{"type": "function", "function": function}]
            parameters["tool_choice"] = {"type": "function", "function": {"name": TOOL_NAME}}
        elif mode == "json_object":
            parameters["response_format"] = {"type": "json_object"}
        return parameters


def _read(request: LLMRequest, raw: Any) -> Reply:
    """The client does not check the body's shape, so nothing here may be taken for granted."""
    choices = getattr(raw, "choices", None)
    choice: Any = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if message is None:
        raise InvalidReply("openai_chat: the answer holds no choice; is llm.openai_chat.base_url a chat server?")
    calls = getattr(message, "tool_calls", None)
    text = calls[0].function.arguments if calls else (message.content or "")
    refused = bool(getattr(message, "refusal", None)) or choice.finish_reason == "content_filter"
    finish = "refused" if refused else ("length" if choice.finish_reason == "length" else "stop")
    usage = getattr(raw, "usage", None)
    return Reply(
        key=request.key,
        text=text if isinstance(text, str) else "",
        tokens_in=_count(getattr(usage, "prompt_tokens", None)),
        tokens_out=_count(getattr(usage, "completion_tokens", None)),
        label_probabilities=label_probabilities(_tokens(choice, text), request.label_fields),
        finish=finish,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _tokens(choice: Any, text: object) -> list[TokenLogprob]:
    """Empty when the tokens do not spell the text: some servers give ids only, or the likeliest for the chosen."""
    content = getattr(getattr(choice, "logprobs", None), "content", None) or []
    tokens = []
    for item in content:
        values = item.model_dump() if hasattr(item, "model_dump") else item
        if not isinstance(values, Mapping) or not isinstance(values.get("logprob"), int | float):
            return []
        spelled = values.get("bytes")
        piece = bytes(spelled) if spelled else str(values.get("token") or "").encode()
        tokens.append((piece, float(values["logprob"])))
    whole = isinstance(text, str) and text.strip().encode() in b"".join(piece for piece, _ in tokens)
    return tokens if whole else []
