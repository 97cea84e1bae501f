"""What a language model is asked, what it answers, and the one verb every provider has.

Callers build `LLMRequest`s, hand them to `analysis.llm.router.Router.complete` and get one `LLMAnswer` each, in order.
Providers never see the router, the router never sees a vendor's client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pipeline.errors import ServiceUnavailable

JsonSchema = Mapping[str, Any]
"""A JSON Schema (draft 2020-12); the root is an object. Sent as it is: keep personal data out of its labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One more turn after the user's text (the router's repair of an invalid reply uses it)."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer of a choice, as two texts: how likely the second is after the first tells how well it fits."""

    value: str
    given: str
    """What the model reads as the user's turn."""
    said: str
    """What it would answer."""
    prior: float = 0.0
    """What speaks for the option before the model is asked, in nats: the logarithm of its share, up to a constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A question with a closed list of answers, for providers that give likelihoods: no reply is written.

    The option's share is softmax(log-likelihood of `said` after `given` / temperature + prior) over the options.
    """

    fills: str
    """The property of the request's schema that holds the option's value."""
    options: tuple[Option, ...]
    temperature: float
    """Nats. Tokens of one text are not independent, so their sum is far too sure of itself; this is calibrated."""
    number_temperature: float = 1.0
    """Nats; the same for the probabilities of the value that was written, where a provider tells these alone."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Values of the schema's other properties, which only a written reply has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMRequest:
    """One question. What a caller said belongs in `user`, never in `system`."""

    key: str
    """Chosen by the caller, handed back with the answer; unique within one `complete`."""
    purpose: str
    """`topic`, `summary`, `pre_summary`, …: for the report and the log."""
    system: str
    """Instructions and glossary: the same over many requests, so that its prompt cache is shared."""
    user: str
    schema: JsonSchema
    """The reply is held to it: by grammar where the provider can, and validated in any case."""
    max_tokens: int = 1024
    """Longest reply, in tokens of the provider's own tokenizer."""
    temperature: float = 0.0
    """0 takes the likeliest token; 0..2."""
    choice: Choice | None = None
    """The same question by likelihoods: a provider that gives them (`LLMProvider.scores`) answers it this way, with a
    probability of every option. The others never see it."""
    follow_up: tuple[Message, ...] = ()
    """Turns after `user`."""
    source: str = ""
    """The text `user` was made from, where `user` does not contain it (the transcript behind notes, or around a piece
    of it). Never sent: what it shows to be personal data is removed from `user`, too."""
    spent_s: float = 0.0
    """Of `llm.request_time_limit_s`, what earlier questions about the same call took."""
    about: str = ""
    """The call, where several questions of one `complete` are about the same: they have its time together."""
    need: int = 0
    """Place among these by how much the answer is needed, from 0: with too little time the last are not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A provider's reply to one request, before the router has checked it."""

    key: str
    text: str
    """JSON, or whatever the model wrote instead."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    label_probabilities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """field -> label -> 0..1, of every option of a choice that was weighed, by texts or by the number that was written;
    empty of a reply whose provider tells neither."""
    finish: str = "stop"
    """`stop`, `length` (cut by max_tokens), `landed` (brought to a valid end within max_tokens or the time limit),
    `refused`, `unread` (there was no time to begin with it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMAnswer:
    """The outcome of one request. `data` is None, with a reason, when no provider gave a valid answer."""

    key: str
    data: Mapping[str, Any] | None
    """Valid under the request's schema; redaction placeholders are put back."""
    reason: str | None = None
    """Why `data` is None: each provider tried and what became of it."""
    error_type: str | None = None
    """Name of the last error's class (`pipeline.errors`), e.g. `ServiceUnavailable`; None with data."""
    retryable: bool = False
    """True when a later run may well get an answer (outage, breaker, ceiling); False for an invalid one."""
    provider: str | None = None
    """The provider that answered; `extractive` when the caller should do without a model; None when none answered."""
    model: str | None = None
    tokens_in: int | None = None
    """All attempts together."""
    tokens_out: int | None = None
    cost_usd: float | None = None
    """All attempts together; None when a price is not configured."""
    latency_s: float | None = None
    """From the first attempt to the answer, waiting included."""
    share_s: float = 0.0
    """What it took of its call's `llm.request_time_limit_s`: of a batch its share."""
    attempts: int = 0
    cut: bool = False
    """Whether the model would have written more: the last text of `data` may end anywhere."""
    label_probabilities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """field -> label -> 0..1, of every option of a choice that was weighed, by texts or by the number that was written;
    empty of a reply whose provider tells neither."""
    passed_over: tuple[str, ...] = ()
    """`provider: why` for each provider listed before the one that answered."""
    services: Mapping[str, str | None] = field(default_factory=dict)
    """Providers that were asked: None for one that answered, even with something invalid, else why it did not."""


class Throttled(ServiceUnavailable):
    """The service asked us to wait: `retry_after_s` seconds, or None when it did not say."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RequestRefused(ServiceUnavailable):
    """The service will not serve us as configured (credentials, unknown model): trying again now is useless."""


class LLMProvider(Protocol):
    """One model behind one door."""

    name: str
    """As listed in `llm.providers`."""
    model: str
    """Name and, where there is one, revision."""
    remote: bool
    """True when text leaves this machine: it is redacted first."""
    batch_size: int
    """Requests one `generate` takes."""
    concurrency: int
    """`generate` calls that may run at once."""
    scores: bool
    """Whether it gives the likelihood of a text, and so answers `LLMRequest.choice` without writing."""

    def generate(self, requests: Sequence[LLMRequest], time_limit_s: float) -> Sequence[Reply]:
        """One reply per request, in order, within `time_limit_s` of wall clock.

        Raises ServiceUnavailable (Throttled, RequestRefused), StageTimeout, WorkerCrashed, ModelUnavailable or
        InvalidReply (the service answered with nothing usable) for the whole call.
        """
        ...

    def close(self) -> None: ...


class Completes(Protocol):
    """What the steps need of `analysis.llm.router.Router`."""

    extractive: bool
    """Whether callers may do without a model where an answer's `data` is None."""

    @property
    def models(self) -> tuple[str, ...]: ...

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]: ...


class TextRedactor(Protocol):
    """Takes personal data out of a text (`analysis.redaction`)."""

    def redact(self, text: str) -> tuple[str, Mapping[str, str]]:
        """The text with placeholders, and placeholder -> what it stands for."""
        ...
