"""One provider behind its quota, its breaker and its retries."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pybreaker
from tenacity import RetryCallState, Retrying, retry_if_exception

from analysis.llm.limits import Ceiling, CeilingReached, MinuteWindow, QuotaWait, Spending
from analysis.llm.provider import LLMProvider, LLMRequest, Reply, RequestRefused, Throttled
from analysis.llm.validation import plain
from pipeline.config.areas.llm import LanguageModelSettings, RemoteLimits
from pipeline.errors import InvalidReply, ServiceUnavailable, StageTimeout, TransientError

_CHARS_PER_TOKEN = 3.0
"""Low for European languages (about 4), so that estimates err on the safe side."""
_SPARE_S = 0.01
_SHOWN_FAILURE_CHARS = 200
_LOCAL_TRIES = 2
"""A crash on this machine may have had another cause once, not twice."""


class BreakerOpen(ServiceUnavailable):
    """The provider failed again and again and is left alone for a while."""


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
    """Prompt tokens of a request, rounded up, schema included."""
    texts = [request.system, request.user, *(message.text for message in request.follow_up)]
    chars = sum(len(text) for text in texts) + len(json.dumps(plain(request.schema)))
    return math.ceil(chars / _CHARS_PER_TOKEN)


class GuardedProvider:
    """The way to one provider. Thread-safe."""

    def __init__(self, provider: LLMProvider, settings: LanguageModelSettings, ceiling: Ceiling) -> None:
        self.provider = provider
        self._settings = settings
        self._ceiling = ceiling
        limits = getattr(settings, provider.name, None)
        self._limits = limits if isinstance(limits, RemoteLimits) else None
        name = provider.name
        self._requests = MinuteWindow(self._limits.requests_per_minute if self._limits else None, f"{name} requests")
        self._tokens = MinuteWindow(self._limits.tokens_per_minute if self._limits else None, f"{name} tokens")
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=settings.breaker.failures,
            reset_timeout=settings.breaker.reset_s,
            exclude=[InvalidReply, Throttled],
            name=name,
        )
        self._lock = threading.Lock()
        self._opened_at = 0.0
        self._last_failure = ""
        self._not_before = 0.0

    def ask(self, requests: Sequence[LLMRequest], accounts: Sequence[Account], deadline: float) -> Sequence[Reply]:
        """One reply per request before `deadline` (time.monotonic).

        Transient errors are tried again; of a batch only once, since the router then asks for its parts.
        Raises what the last try raised, or BreakerOpen, CeilingReached, QuotaWait.
        """
        tries = 1 if len(requests) > 1 else self._settings.retry.attempts
        if not self.provider.remote:
            tries = min(tries, _LOCAL_TRIES)
        retrying = Retrying(
            retry=retry_if_exception(self._worth_another_try),
            stop=lambda state: (
                state.attempt_number >= tries or time.monotonic() + state.upcoming_sleep + _SPARE_S > deadline
            ),
            wait=self._wait_s,
            reraise=True,
        )
        replies: Sequence[Reply] = retrying(self._attempt, requests, accounts, deadline)
        return replies

    def _worth_another_try(self, error: BaseException) -> bool:
        if isinstance(error, Throttled) and (error.retry_after_s or 0.0) > self._settings.retry.max_wait_s:
            return False
        final = (RequestRefused, BreakerOpen, CeilingReached, QuotaWait)
        return isinstance(error, TransientError) and not isinstance(error, final)

    def _wait_s(self, state: RetryCallState) -> float:
        """Exponential with full jitter in its upper half; never less than the service asked for."""
        retry = self._settings.retry
        longest = min(retry.max_wait_s, retry.initial_wait_s * 2.0 ** (state.attempt_number - 1))
        wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, Throttled) else None
        return max(wait, asked or 0.0)

    def _attempt(self, requests: Sequence[LLMRequest], accounts: Sequence[Account], deadline: float) -> Sequence[Reply]:
        self._refuse_while_open()
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

    def _refuse_while_open(self, claim_trial: bool = False) -> None:
        """Raises BreakerOpen. Once its time is over, the first to claim the trial goes, the others still wait."""
        with self._lock:
            if self._breaker.current_state != pybreaker.STATE_OPEN:
                return
            left = self._opened_at + self._settings.breaker.reset_s - time.monotonic()
            if left > 0:
                raise BreakerOpen(
                    f"{self.provider.name}: left alone for {left:.0f} s more after repeated failures, "
                    f"the last: {self._last_failure}"
                )
            if claim_trial:
                self._opened_at = time.monotonic()

    def _through_breaker(self, requests: Sequence[LLMRequest], deadline: float) -> Sequence[Reply]:
        """pybreaker runs what it guards under its lock, which would serialise requests: it gets the outcome only."""
        limit = deadline - time.monotonic()
        if self.provider.remote:
            limit = min(limit, self._settings.attempt_time_limit_s)
        if limit <= 0:
            raise QuotaWait(f"{self.provider.name}: llm.request_time_limit_s was over before it could be asked")
        self._refuse_while_open(claim_trial=True)
        try:
            replies = self.provider.generate(requests, limit)
            if [reply.key for reply in replies] != [request.key for request in requests]:
                raise InvalidReply(f"{self.provider.name} answered other requests than those asked")
        except Exception as error:
            if isinstance(error, Throttled) and error.retry_after_s:
                self._hold_off(error.retry_after_s)
            self._tell_breaker(error)
            raise
        self._tell_breaker(None)
        return replies

    def _tell_breaker(self, error: Exception | None) -> None:
        def outcome() -> None:
            if error is not None:
                raise error

        with self._lock:
            if error is not None:
                self._last_failure = str(error)[:_SHOWN_FAILURE_CHARS]
            was_open = self._breaker.current_state == pybreaker.STATE_OPEN
            try:
                self._breaker.call(outcome)
            except pybreaker.CircuitBreakerError:
                if not was_open or error is not None:
                    self._opened_at = time.monotonic()
            except Exception as raised:
                if raised is not error:
                    raise

    def _hold_off(self, wait_s: float) -> None:
        """What the service told one request holds for all of them."""
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
        limits = self._limits
        if limits is None or limits.input_usd_per_million_tokens is None:
            return None
        price_out = limits.output_usd_per_million_tokens or 0.0
        return (tokens_in * limits.input_usd_per_million_tokens + tokens_out * price_out) / 1e6
