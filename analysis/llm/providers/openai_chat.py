"""Any server that speaks OpenAI's chat completions, through the `openai` client."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from analysis.llm.deadline import AsyncConnection
from analysis.llm.label_probabilities import TokenLogprob, label_probabilities
from analysis.llm.provider import LLMRequest, Reply
from analysis.llm.providers.remote import (
    TOOL_DESCRIPTION,
    TOOL_NAME,
    chat_turns,
    environment_key,
    error_for_status,
    schema_in_words,
)
from analysis.llm.validation import plain, read_reply
from pipeline.config.areas.llm import OpenAIChatSettings
from pipeline.errors import EarshotError, InvalidReply, StageTimeout, described
from pipeline.outside import client_options, connection_error

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)

_REFUSALS = frozenset({400, 404, 415, 422, 501})
"""Statuses by which servers refuse a parameter they do not know."""


class _ParameterRefused(Exception):
    """The server may not know one of the parameters; `error` is raised when no plainer way to ask is left."""

    def __init__(self, error: EarshotError) -> None:
        super().__init__(str(error))
        self.error = error


class OpenAIChat:
    """One request per call; structured output by the first mode of `structured` that the server takes."""

    remote = True
    scores = False
    batch_size = 1

    def __init__(self, settings: OpenAIChatSettings, name: str = "openai_chat", place: str = "llm.openai_chat") -> None:
        """`place`: where the settings are written, for messages."""
        self.name = name
        self._settings, self._place = settings, place
        self.model = settings.model or ""
        self.concurrency = settings.concurrency
        with_and_without = (True, False) if settings.logprobs else (False,)
        self._wishes: list[tuple[str, bool]] = [
            (mode, logprobs) for mode in settings.structured for logprobs in with_and_without
        ]
        """Ways to ask, the best first: a mode of structured output, with or without token probabilities."""
        self._connection = AsyncConnection(self.name, self._connect)

    def generate(self, requests: Sequence[LLMRequest], time_limit_s: float) -> Sequence[Reply]:
        """See `LLMProvider.generate`."""
        where = f"{self.name} ({self._settings.base_url})"
        return [
            self._connection.run(partial(self._ask, request, time_limit_s), time_limit_s, where) for request in requests
        ]

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._connection.close()

    def _connect(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        return AsyncOpenAI(
            api_key=environment_key(self._settings.api_key_env) or "none",
            base_url=self._settings.base_url,
            max_retries=0,  # the router retries
            http_client=DefaultAsyncHttpxClient(**client_options(asynchronous=True)),
        )

    async def _ask(self, request: LLMRequest, time_limit_s: float, client: AsyncOpenAI) -> Reply:
        """Steps down to plainer parameters while the server refuses them; what it takes is remembered.

        What it refuses in any form (too long a prompt, say) changes nothing for the requests that follow.
        """
        wishes = self._wishes
        while True:
            mode, logprobs = wishes[0]
            try:
                raw = await self._create(
                    client, self._parameters(request, mode, logprobs and bool(request.label_fields)), time_limit_s
                )
            except _ParameterRefused as refusal:
                # Where no probabilities were asked for, what is refused is the mode.
                plainer = wishes[1:] if request.label_fields else [wish for wish in wishes[1:] if wish[0] != mode]
                if not plainer:
                    raise refusal.error from refusal
                wishes = plainer
                continue
            reply = self._read(request, raw)
            self._wishes = self._plainer_after(reply, request, wishes)
            return reply

    def _plainer_after(
        self, reply: Reply, request: LLMRequest, wishes: list[tuple[str, bool]]
    ) -> list[tuple[str, bool]]:
        """The ways to ask from now on. A server that takes a schema and does not keep to it ignores it (mlx_lm.server
        does): after one such reply the next way is used, which has the schema in the prompt."""
        mode = wishes[0][0]
        plainer = [wish for wish in wishes if wish[0] != mode]
        if mode == "prompt" or reply.finish != "stop" or not plainer:
            return wishes
        data, fault = read_reply(reply, request.schema)
        if data is not None:
            return wishes
        log.warning("%s does not keep to %s (%s); it is asked by %s from now on", self.name, mode, fault, plainer[0][0])
        return plainer

    async def _create(self, client: AsyncOpenAI, parameters: dict[str, Any], time_limit_s: float) -> Any:
        """Raises _ParameterRefused, or what `LLMProvider.generate` raises."""
        import openai

        try:
            return await client.chat.completions.create(**parameters, timeout=time_limit_s)
        except openai.APITimeoutError as error:
            raise StageTimeout(f"{self.name}: {error}") from error
        except openai.APIStatusError as error:
            headers = error.response.headers
            known = error_for_status(self.name, error.status_code, error.body, headers, error.message)
            if error.status_code in _REFUSALS:
                raise _ParameterRefused(known) from error
            raise known from error
        except openai.APIResponseValidationError as error:
            raise InvalidReply(f"{self.name}: the body is not a chat completion: {described(error)}") from error
        except openai.APIConnectionError as error:
            raise connection_error(self.name, self._settings.base_url, error) from None
        except (openai.OpenAIError, ValueError) as error:
            raise InvalidReply(f"{self.name}: the body is not a chat completion: {described(error)}") from error

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

    def _read(self, request: LLMRequest, raw: Any) -> Reply:
        """The client does not check the body's shape, so nothing here may be taken for granted."""
        choices = getattr(raw, "choices", None)
        choice: Any = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(choice, "message", None)
        if message is None:
            raise InvalidReply(f"{self.name}: the answer holds no choice; is {self._place}.base_url a chat server?")
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
    """Empty when the tokens do not spell the text: some servers give ids, or the likeliest token for the chosen one."""
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
