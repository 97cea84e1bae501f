"""Any server that speaks OpenAI's chat completions, through the `openai` client."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from analysis.llm.deadline import AsyncConnection
from analysis.llm.provider import Choice, LLMRequest, Reply
from analysis.llm.providers.form import form_in_words
from analysis.llm.providers.likelihoods import echoed, told_likelihoods
from analysis.llm.providers.numbers import asked_of, told_numbers
from analysis.llm.providers.remote import (
    TOOL_DESCRIPTION,
    TOOL_NAME,
    chat_turns,
    environment_key,
    error_for_status,
)
from analysis.llm.validation import plain, read_reply
from analysis.llm.weighing import Weighed, chosen
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
    scores = True
    batch_size = 1

    def __init__(
        self, settings: OpenAIChatSettings, name: str = "openai_chat", section: str = "llm.openai_chat"
    ) -> None:
        """`section`: where the settings are written, for messages."""
        self.name = name
        self._settings, self._section = settings, section
        self.model = settings.model or ""
        self.concurrency = settings.concurrency
        self._modes: Sequence[str] = settings.structured
        """Ways to have structured output, the best first."""
        self._weighs = settings.logprobs
        """Whether it tells how likely a text is, as far as is known."""
        self._tells_numbers = settings.logprobs
        """Whether it takes being asked how sure it is of what it writes."""
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
        if request.choice is not None and self._weighs and all(option.said for option in request.choice.options):
            found = await self._weigh(client, request.choice, time_limit_s)
            if found is not None:
                return chosen(request.key, request.choice, found)
        modes, earlier, numbers = self._modes, None, request.choice is not None and self._tells_numbers
        while True:
            parameters = self._parameters(request, modes[0])
            try:
                raw = await self._answered(
                    client.chat.completions.create(
                        **(asked_of(parameters) if numbers else parameters), timeout=time_limit_s
                    )
                )
            except _ParameterRefused as refusal:
                if numbers:
                    numbers = False  # tried first: the way to have structure is worth more
                    continue
                if not modes[1:]:
                    raise refusal.error from refusal
                modes = modes[1:]
                continue
            self._tells_numbers = self._tells_numbers and (numbers or request.choice is None)
            reply = _together(earlier, self._read(request, raw))
            self._modes = self._plainer_after(reply, request, modes)
            if self._modes == modes:
                return reply
            # Asked anew, and not shown its reply: a small model writes again what it sees that it wrote.
            modes, earlier = self._modes, reply

    async def _weigh(self, client: AsyncOpenAI, choice: Choice, time_limit_s: float) -> Weighed | None:
        """The choice by how likely the server finds its texts; None where it does not tell, which is remembered."""
        try:
            raw = await self._answered(client.completions.create(**echoed(self.model, choice), timeout=time_limit_s))
        except (_ParameterRefused, InvalidReply) as refusal:
            log.info("%s does not tell how likely a text is (%s); labels are asked for by number", self.name, refusal)
            self._weighs = False
            return None
        found = told_likelihoods(choice, raw)
        if found is None:
            log.info("%s does not tell how likely a text is; labels are asked for by number", self.name)
            self._weighs = False
        return found

    def _plainer_after(self, reply: Reply, request: LLMRequest, modes: Sequence[str]) -> Sequence[str]:
        """The ways to ask from now on. A server that takes a schema and does not keep to it ignores it (mlx_lm.server
        does): after one such reply the next way is used, which shows the form in the prompt."""
        mode, plainer = modes[0], modes[1:]
        if mode == "prompt" or reply.finish != "stop" or not plainer:
            return modes
        data, fault = read_reply(reply, request.schema)
        if data is not None:
            return modes
        log.warning("%s does not keep to %s (%s); it is asked by %s from now on", self.name, mode, fault, plainer[0])
        return plainer

    async def _answered(self, asked: Awaitable[Any]) -> Any:
        """Raises _ParameterRefused, or what `LLMProvider.generate` raises."""
        import openai

        try:
            return await asked
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

    def _parameters(self, request: LLMRequest, mode: str) -> dict[str, Any]:
        settings = self._settings
        system = request.system if mode in {"json_schema", "tool"} else form_in_words(request)
        parameters: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": "system", "content": system}, *chat_turns(request)],
            settings.reply_limit_field: request.max_tokens,
        }
        if settings.send_temperature:
            parameters["temperature"] = request.temperature
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
            raise InvalidReply(f"{self.name}: the answer holds no choice; is {self._section}.base_url a chat server?")
        calls = getattr(message, "tool_calls", None)
        text = calls[0].function.arguments if calls else (message.content or "")
        refused = bool(getattr(message, "refusal", None)) or choice.finish_reason == "content_filter"
        finish = "refused" if refused else ("length" if choice.finish_reason == "length" else "stop")
        usage = getattr(raw, "usage", None)
        reply = Reply(
            key=request.key,
            text=text if isinstance(text, str) else "",
            tokens_in=_count(getattr(usage, "prompt_tokens", None)),
            tokens_out=_count(getattr(usage, "completion_tokens", None)),
            finish=finish,
        )
        return reply if request.choice is None else _with_shares(reply, request, request.choice, choice)


def _with_shares(reply: Reply, request: LLMRequest, asked: Choice, answer: Any) -> Reply:
    """With those of the options of a choice whose number was written, where the server tells them."""
    data, _ = read_reply(reply, request.schema)
    found = told_numbers(asked, answer, str(data.get(asked.fills))) if data is not None else None
    return reply if found is None else replace(reply, label_probabilities={asked.fills: found.shares})


def _together(earlier: Reply | None, reply: Reply) -> Reply:
    """The reply, with the tokens of the one before it that was of no use."""
    if earlier is None:
        return reply
    tokens_in, tokens_out = (
        None if first is None or second is None else first + second
        for first, second in ((earlier.tokens_in, reply.tokens_in), (earlier.tokens_out, reply.tokens_out))
    )
    return replace(reply, tokens_in=tokens_in, tokens_out=tokens_out)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
