"""One provider behind its quota, its breaker and its retries."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.llm.limits import Ceiling, CeilingReached, MinuteWindow, QuotaWait, Spending
from analysis.llm.provider import LLMProvider, LLMRequest, Reply, RequestRefused, Throttled
from analysis.llm.validation import plain
from pipeline.breaker import Breaker, BreakerOpen
from pipeline.config.areas.llm import LanguageModelSettings, RemoteLimits
from pipeline.errors import InvalidReply, StageTimeout, TransientError, described
from pipeline.retries import retrying

_CHARS_PER_TOKEN = 3.0
"""Low for European languages (about 4), so that estimates err on the safe side."""
_SHOWN_FAILURE_CHARS = 200
_LOCAL_TRIES = 2
"""One crash on this machine may have had another cause; a second one is blamed on the request."""


@dataclass(slots=True)
class Account:
    """What one request has cost so far, over providers and attempts."""

    attempts: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = 0.0
    """None once an attempt's price is unknown."""
    active_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, reply: Reply, cost_usd: float | None) -> None:
        self.tokens_in = _sum(self.tokens_in, reply.tokens_in)
        self.tokens_out = _sum(self.tokens_out, reply.tokens_out)
        self.cost_usd = None if self.cost_usd is None or cost_usd is None else self.cost_usd + cost_usd


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more


def estimate_tokens(request: LLMRequest) -> int:
    """Prompt tokens of a request, rounded up, schema included; of a choice, its options where they are more."""
    options = request.choice.options if request.choice is not None else ()
    weighed = sum(len(option.given) + len(option.said) for option in options)
    texts = [request.system, request.user, *(message.text for message in request.follow_up)]
    chars = sum(len(text) for text in texts) + len(json.dumps(plain(request.schema)))
    return math.ceil(max(chars, weighed) / _CHARS_PER_TOKEN)


class GuardedProvider:
    """The way to one provider. Thread-safe."""

    def __init__(self, provider: LLMProvider, settings: LanguageModelSettings, ceiling: Ceiling) -> None:
        self.provider = provider
        self._settings = settings
        self._ceiling = ceiling
        limits = settings.of(provider.name) if provider.remote else None
        self._limits = limits if isinstance(limits, RemoteLimits) else None
        self._price = settings.price_of(provider.name) if provider.remote else None
        name = provider.name
        self._requests = MinuteWindow(self._limits.requests_per_minute if self._limits else None, f"{name} requests")
        self._tokens = MinuteWindow(self._limits.tokens_per_minute if self._limits else None, f"{name} tokens")
        self._breaker = Breaker(name, settings.breaker.failures, settings.breaker.reset_s)
        self._lock = threading.Lock()
        self._not_before = 0.0

    def ask(self, requests: Sequence[LLMRequest], accounts: Sequence[Account], deadline: float) -> Sequence[Reply]:
        """One reply per request before `deadline` (time.monotonic).

        Transient errors are tried again; of a batch only once, since the router then asks for its parts.
        Raises what the last try raised, or BreakerOpen, CeilingReached, QuotaWait.
        """
        tries = 1 if len(requests) > 1 else self._settings.retry.attempts
        if not self.provider.remote:
            tries = min(tries, _LOCAL_TRIES)
        again = retrying(
            self._worth_another_try,
            first_wait_s=self._settings.retry.initial_wait_s,
            longest_wait_s=self._settings.retry.max_wait_s,
            attempts=tries,
            for_s=deadline - time.monotonic(),
            asked_s=lambda error: error.retry_after_s if isinstance(error, Throttled) else None,
        )
        replies: Sequence[Reply] = again(self._attempt, requests, accounts, deadline)
        return replies

    def _worth_another_try(self, error: BaseException) -> bool:
        if isinstance(error, Throttled) and (error.retry_after_s or 0.0) > self._settings.retry.max_wait_s:
            return False
        final = (RequestRefused, BreakerOpen, CeilingReached, QuotaWait)
        return isinstance(error, TransientError) and not isinstance(error, final)

    def _attempt(self, requests: Sequence[LLMRequest], accounts: Sequence[Account], deadline: float) -> Sequence[Reply]:
        self._breaker.check(claim_trial=False)
        most = self._most(requests)
        self._wait_for_quota(most, len(requests), deadline)
        if self.provider.remote:
            self._ceiling.set_aside(most)
        spent: Spending | None = None
        try:
            for account in accounts:
                account.attempts += 1
            replies = self._through_breaker(requests, deadline)
            spent = self._book(requests, accounts, replies)
            return replies
        except (StageTimeout, InvalidReply):
            # The prompt was read, and is charged for, though no answer came.
            spent = Spending(tokens_in=most.tokens_in, tokens_out=0, cost_usd=self._cost(most.tokens_in, 0))
            raise
        finally:
            if self.provider.remote:
                self._ceiling.settle(most, spent)

    def _through_breaker(self, requests: Sequence[LLMRequest], deadline: float) -> Sequence[Reply]:
        limit = deadline - time.monotonic()
        if self.provider.remote:
            limit = min(limit, self._settings.attempt_time_limit_s)
        if limit <= 0:
            raise QuotaWait(f"{self.provider.name}: llm.request_time_limit_s was over before it could be asked")
        self._breaker.check()
        try:
            replies = self.provider.generate(requests, limit)
            if [reply.key for reply in replies] != [request.key for request in requests]:
                raise InvalidReply(f"{self.provider.name} answered other requests than those asked")
        except Exception as error:
            if isinstance(error, Throttled) and error.retry_after_s:
                self._hold_off(error.retry_after_s)
            if isinstance(error, InvalidReply | Throttled):
                self._breaker.succeeded()  # the service is up
            else:
                self._breaker.failed(described(error)[:_SHOWN_FAILURE_CHARS])
            raise
        self._breaker.succeeded()
        return replies

    def _hold_off(self, wait_s: float) -> None:
        """A wait the service asked of one request applies to all requests."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + wait_s)

    def _wait_for_quota(self, most: Spending, requests: int, deadline: float) -> None:
        wait = self._not_before - time.monotonic()
        if wait > 0:
            if time.monotonic() + wait > deadline:
                raise Throttled(
                    f"{self.provider.name} asked for {wait:.0f} s of quiet, longer than there is time", wait
                )
            time.sleep(wait)
        self._requests.take(requests, deadline - time.monotonic())
        self._tokens.take(most.tokens_in + most.tokens_out, deadline - time.monotonic())

    def _most(self, requests: Sequence[LLMRequest]) -> Spending:
        tokens_in = sum(estimate_tokens(request) for request in requests)
        tokens_out = sum(request.max_tokens for request in requests)
        return Spending(tokens_in=tokens_in, tokens_out=tokens_out, cost_usd=self._cost(tokens_in, tokens_out))

    def _book(self, requests: Sequence[LLMRequest], accounts: Sequence[Account], replies: Sequence[Reply]) -> Spending:
        total_in = total_out = 0
        for request, account, reply in zip(requests, accounts, replies, strict=True):
            known = reply.tokens_in is not None and reply.tokens_out is not None
            account.add(reply, self._cost(reply.tokens_in or 0, reply.tokens_out or 0) if known else None)
            total_in += estimate_tokens(request) if reply.tokens_in is None else reply.tokens_in
            total_out += request.max_tokens if reply.tokens_out is None else reply.tokens_out
        return Spending(tokens_in=total_in, tokens_out=total_out, cost_usd=self._cost(total_in, total_out))

    def _cost(self, tokens_in: int, tokens_out: int) -> float | None:
        """US dollars; 0 on this machine, None when no price is configured."""
        if not self.provider.remote:
            return 0.0
        price = self._price
        return None if price is None else (tokens_in * price.input + tokens_out * price.output) / 1e6
