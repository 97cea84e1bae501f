"""Language models and what protects a run from them: config.yaml's `llm`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.config.base import Area, OneOrList
from pipeline.config.influence import IDENTITY, REPLY

BUILT_IN = ("mlx_lm", "bedrock", "openai_chat", "anthropic", "extractive")
"""Names of `llm.providers` that are no servers of `llm.servers`."""
_SERVER_NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_COMMIT = re.compile(r"^[0-9a-f]{7,40}$")


class ModelPrice(Area):
    """What a model costs, in US dollars per million tokens."""

    input: float = Field(ge=0)
    """Of the prompt."""
    output: float = Field(ge=0)
    """Of the reply."""


class RemoteLimits(Area):
    """Quotas and prices of a service outside this process."""

    concurrency: int = Field(default=4, ge=1, le=256)
    """Most requests in progress at once."""
    requests_per_minute: float | None = Field(default=None, gt=0)
    """Most requests per minute that the service's quota allows, retries included; null for no limit."""
    tokens_per_minute: float | None = Field(default=None, gt=0)
    """Most tokens per minute that the service's quota allows, prompt and reply together; null for no limit."""
    input_usd_per_million_tokens: float | None = Field(default=None, ge=0)
    """Price of the prompt; null takes `llm.prices`, and where that lacks the model the cost is stored as NULL. 0 for
    your own server."""
    output_usd_per_million_tokens: float | None = Field(default=None, ge=0)
    """Price of the reply; null takes `llm.prices`."""

    @model_validator(mode="after")
    def _both_prices(self) -> Self:
        if (self.input_usd_per_million_tokens is None) != (self.output_usd_per_million_tokens is None):
            raise ValueError(
                "input_usd_per_million_tokens and output_usd_per_million_tokens go together: set both or none"
            )
        return self

    def shared_by(self, processes: int) -> Self:
        """The share of the quota and of the concurrency for each of this many processes."""
        quotas = {
            name: None if value is None else value / processes
            for name, value in (
                ("requests_per_minute", self.requests_per_minute),
                ("tokens_per_minute", self.tokens_per_minute),
            )
        }
        return self.model_copy(update={**quotas, "concurrency": max(1, self.concurrency // processes)})


class MlxLmSettings(Area):
    """A model on this machine, through mlx-lm; llguidance makes its replies follow the schema."""

    model: Annotated[str | None, IDENTITY] = None
    """Folder with the weights, or `owner/name` on the model hub (then `revision` pins it); null when not used."""
    revision: Annotated[str | None, IDENTITY] = None
    """Commit of the hub repository (7 to 40 hex digits); required with `owner/name`."""
    allow_download: bool = True
    """False uses the local cache only."""
    hub_timeout_s: float = Field(default=6, gt=0, le=600)
    """Longest wait for the hub's first answer; including the start of the process, a failure is reported within 10
    s."""
    trust_remote_code: Annotated[bool, REPLY] = False
    """True runs code that comes with the model. Set it only for a model you trust."""
    batch_size: int = Field(default=32, ge=1, le=1024)
    """Requests decoded together."""
    prefill_batch_size: int = Field(default=8, ge=1, le=256)
    """Prompts read together."""
    prefill_step_tokens: int = Field(default=2048, ge=16, le=65536)
    """Prompt tokens read in one step; less saves memory."""
    max_prompt_tokens: int = Field(default=32768, ge=64)
    """Longer prompts are refused, with the reason, instead of exhausting the memory."""
    float32_on_cpu: Annotated[bool, REPLY] = True
    """Convert the weights to float32 where there is no GPU, because half-precision products are slow there."""
    share_prompt_prefix: bool = True
    """Read the tokens all prompts of a batch begin with once, and keep them for the next batch."""
    min_shared_prefix_tokens: int = Field(default=32, ge=1)
    """Shorter common beginnings are not worth keeping."""
    chat_template_options: Annotated[dict[str, bool], REPLY] = Field(default_factory=lambda: {"enable_thinking": False})
    """Options passed to the model's chat template; a template ignores options it does not know."""
    max_string_chars: Annotated[int, REPLY] = Field(default=400, ge=1, le=20000)
    """Longest string, in characters, where the schema sets no limit."""
    max_list_items: Annotated[int, REPLY] = Field(default=8, ge=1, le=1000)
    """Longest list, in items, where the schema sets no limit."""
    load_time_limit_s: float = Field(default=1800, gt=0)
    """Time limit for downloading and loading; after it the process is killed and the model counts as unavailable."""
    restarts: int = Field(default=10, ge=0, le=100)
    """How often in a row its process may be restarted after a crash or a time-out, without an answer in between."""


class BedrockSettings(RemoteLimits):
    """Amazon Bedrock's Converse; credentials from the environment or the AWS profile chain."""

    model: Annotated[str | None, IDENTITY] = None
    """Model id or inference profile (`eu.amazon.nova-lite-v1:0`); null when not used."""
    region: str | None = None
    """AWS region; null takes AWS_REGION or the profile's."""
    endpoint_url: str | None = None
    """Address to use instead of the service's own (VPC endpoint, test server)."""
    structured: Annotated[Literal["tool", "json_schema", "prompt"], REPLY] = "tool"
    """How the reply is made to follow the schema: a forced tool, `outputConfig.textFormat`, or words in the prompt."""


class OpenAIChatSettings(RemoteLimits):
    """Any server that speaks OpenAI's chat completions: OpenAI, Mistral, vLLM, Ollama, mlx_lm.server."""

    model: Annotated[str | None, IDENTITY] = None
    """Model name on the server; null when not used."""
    base_url: str = "https://api.openai.com/v1"
    """Address, including the version path."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; unset is fine for a server that asks for none."""
    structured: Annotated[tuple[Literal["json_schema", "tool", "json_object", "prompt"], ...], REPLY] = (
        "json_schema",
        "json_object",
        "prompt",
    )
    """How the reply is made to follow the schema; when the server refuses one way, the next is used."""
    reply_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """The server's name for the limit on the reply's length."""
    logprobs: Annotated[bool, REPLY] = True
    """Ask how likely the server finds a text (`/completions` with `echo` and `logprobs`), by which labels are weighed;
    where it does not tell, labels are chosen by number, and weighed by the probabilities of that number where it tells
    these (`logprobs` of chat completions); else they have no confidence."""
    send_temperature: Annotated[bool, REPLY] = True
    """False for models that refuse the parameter."""

    @model_validator(mode="after")
    def _some_mode(self) -> Self:
        if not self.structured:
            raise ValueError("structured is empty; choose from json_schema, tool, json_object, prompt")
        return self


class AnthropicSettings(RemoteLimits):
    """Anthropic's messages, structured by a forced tool; key from ANTHROPIC_API_KEY."""

    model: Annotated[str | None, IDENTITY] = None
    """Model id; null when not used."""
    base_url: str = "https://api.anthropic.com"
    """Address without a version path."""
    api_key_env: str = "ANTHROPIC_API_KEY"
    """Environment variable that holds the key."""
    send_temperature: Annotated[bool, REPLY] = False
    """True for models that take the parameter; newer ones refuse it."""
    cache_system_prompt: bool = True
    """Mark the system prompt for the service's prompt cache."""


class RetrySettings(Area):
    """Retries after transient failures (time-out, throttling, 5xx, cut connection)."""

    attempts: int = Field(default=4, ge=1, le=20)
    """Attempts per provider and request, the first included."""
    initial_wait_s: float = Field(default=1.0, ge=0, le=60)
    """Wait before the second attempt; it doubles each time, with jitter. A longer Retry-After is honoured."""
    max_wait_s: float = Field(default=30.0, ge=0, le=600)
    """Longest wait between two attempts; after a longer Retry-After the next provider is used."""
    repairs: Annotated[int, REPLY] = Field(default=1, ge=0, le=5)
    """How often a provider is told what is wrong with an invalid reply and asked again."""


class BreakerSettings(Area):
    """A provider that keeps failing is not asked for a while."""

    failures: int = Field(default=5, ge=1, le=1000)
    """Failures in a row that open the breaker."""
    reset_s: float = Field(default=60, gt=0)
    """How long it stays open; then one trial request is sent."""


class LanguageModelSettings(Area):
    """config.yaml's `llm`."""

    providers: Annotated[OneOrList[tuple[str, ...]], IDENTITY] = ("extractive",)
    """In order of preference: mlx_lm, bedrock, openai_chat, anthropic, names of `llm.servers`; `extractive` (no model)
    only at the end."""
    strict: bool = False
    """True forbids fallbacks: only the first provider is used."""
    attempt_time_limit_s: float = Field(default=60, gt=0, le=86400)
    """Wall-clock limit for one attempt at a remote provider; it also cuts off a server that answers very slowly."""
    request_time_limit_s: float = Field(default=300, gt=0, le=86400)
    """Wall-clock limit for one request: attempts, waits and fallbacks together. Requests that a model on this machine
    answers together have it together, once for each."""
    max_cost_usd: float | None = Field(default=None, ge=0)
    """Ceiling per run; requests that could exceed it are not sent. null for none."""
    max_tokens: int | None = Field(default=None, ge=0)
    """Ceiling per run of tokens sent and received by remote providers; null for none."""
    retry: RetrySettings = Field(default_factory=RetrySettings)
    """Transient failures."""
    breaker: BreakerSettings = Field(default_factory=BreakerSettings)
    """Lasting failures."""
    mlx_lm: MlxLmSettings = Field(default_factory=MlxLmSettings)
    """A model on this machine."""
    bedrock: BedrockSettings = Field(default_factory=BedrockSettings)
    """Amazon Bedrock."""
    openai_chat: OpenAIChatSettings = Field(default_factory=OpenAIChatSettings)
    """OpenAI and servers like it."""
    servers: dict[str, OpenAIChatSettings] = Field(default_factory=dict)
    """Further servers like OpenAI's, each with the settings of `openai_chat`, by a name of your own (small letters,
    digits, underscores); `llm.providers` lists them by it. docs/language-models.md has the addresses of known ones."""
    anthropic: AnthropicSettings = Field(default_factory=AnthropicSettings)
    """Anthropic."""
    prices: dict[str, ModelPrice] = Field(default_factory=dict)
    """Model -> its price, `{input: 0.15, output: 0.6}` in US dollars per million tokens, for all providers that have no
    prices of their own."""

    @model_validator(mode="after")
    def _providers_are_usable(self) -> Self:
        if not self.providers:
            raise ValueError("llm.providers is empty; for no model at all list [extractive]")
        if len(set(self.providers)) != len(self.providers):
            raise ValueError(f"llm.providers lists one twice: {', '.join(self.providers)}")
        if "extractive" in self.providers[:-1]:
            raise ValueError(
                "llm.providers: extractive never fails, so no provider after it would ever be used; put it last"
            )
        for name in self.servers:
            if name in BUILT_IN or not _SERVER_NAME.match(name):
                raise ValueError(
                    f"llm.servers: {name!r} cannot be a server's name; take small letters, digits and underscores, and "
                    f"none of {', '.join(BUILT_IN)}"
                )
        for name in self.providers:
            if name not in BUILT_IN and name not in self.servers:
                known = ", ".join((*BUILT_IN[:-1], *self.servers, BUILT_IN[-1]))
                raise ValueError(f"llm.providers lists {name}, which is none of {known}; llm.servers can hold it")
            if name != "extractive" and not self.of(name).model:
                raise ValueError(f"llm.providers lists {name}, but {self.place_of(name)}.model is not set")
        if "mlx_lm" in self.providers:
            self._local_model_is_pinned()
        if self.max_cost_usd is not None:
            self._prices_are_known()
        return self

    def of(self, name: str) -> MlxLmSettings | BedrockSettings | OpenAIChatSettings | AnthropicSettings:
        """The settings of a provider. Raises KeyError for a name that is none."""
        own: Mapping[str, MlxLmSettings | BedrockSettings | OpenAIChatSettings | AnthropicSettings] = {
            "mlx_lm": self.mlx_lm,
            "bedrock": self.bedrock,
            "openai_chat": self.openai_chat,
            "anthropic": self.anthropic,
        }
        return own[name] if name in own else self.servers[name]

    @staticmethod
    def place_of(name: str) -> str:
        """Where a provider's settings are written: `llm.openai_chat`, `llm.servers.mistral`."""
        return f"llm.{name}" if name in BUILT_IN else f"llm.servers.{name}"

    def price_of(self, name: str) -> ModelPrice | None:
        """A remote provider's own price, else its model's in `prices`; None when neither is known."""
        chosen = self.of(name)
        if not isinstance(chosen, RemoteLimits):
            return None
        own = chosen.input_usd_per_million_tokens, chosen.output_usd_per_million_tokens
        if own[0] is not None and own[1] is not None:
            return ModelPrice(input=own[0], output=own[1])
        return self.prices.get(chosen.model or "")

    def shared_by(self, processes: int) -> Self:
        """These settings for each of this many processes of one run; they share the ceilings through a ledger."""
        remote = {name: getattr(self, name).shared_by(processes) for name in ("bedrock", "openai_chat", "anthropic")}
        servers = {name: server.shared_by(processes) for name, server in self.servers.items()}
        return self.model_copy(update={**remote, "servers": servers})

    def _local_model_is_pinned(self) -> None:
        model, revision = self.mlx_lm.model or "", self.mlx_lm.revision
        if revision is None and not Path(model).expanduser().is_dir():
            raise ValueError(
                f"llm.mlx_lm.model: {model!r} is not a folder here; name one, or give llm.mlx_lm.revision, "
                "the commit of the model hub's repository"
            )
        if revision is not None and not _COMMIT.match(revision):
            raise ValueError(f"llm.mlx_lm.revision: {revision!r} is not a commit (7 to 40 hex digits); branches move")

    def _prices_are_known(self) -> None:
        for name in self.providers:
            if name not in {"mlx_lm", "extractive"} and self.price_of(name) is None:
                key = self.place_of(name)
                raise ValueError(
                    f"llm.max_cost_usd is {self.max_cost_usd}, but the price of {name} is unknown: set "
                    f"{key}.input_usd_per_million_tokens and {key}.output_usd_per_million_tokens (0 for free), or "
                    f"llm.prices for {self.of(name).model}"
                )
