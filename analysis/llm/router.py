"""Ordered providers, and what protects a call from their failures.

A request goes to the first provider; what it cannot answer goes to the next. A reply counts only when it is valid
under the request's schema; an invalid one is shown to its author once with what is wrong. Nothing is ever filled in:
a request that nobody answers validly comes back with `data` None and the reason.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.llm.call_time import CallTime
from analysis.llm.guarded_provider import Account, GuardedProvider
from analysis.llm.limits import Ceiling, CeilingReached, QuotaWait
from analysis.llm.provider import LLMAnswer, LLMProvider, LLMRequest, Message, Reply, TextRedactor
from analysis.llm.request_redaction import redact_request, restore
from analysis.llm.validation import read_reply
from pipeline.config.areas.llm import LanguageModelSettings
from pipeline.errors import (
    EarshotError,
    InvalidReply,
    MemoryExhausted,
    StageTimeout,
    StartupError,
    TransientError,
    UnforeseenError,
    WorkerCrashed,
    described,
)

log = logging.getLogger(__name__)

_SHOWN_REPLY_CHARS = 4000
_UPSET = (StageTimeout, WorkerCrashed, MemoryExhausted, UnforeseenError, InvalidReply)
"""Errors of a whole batch that a single request in it may have caused."""


@dataclass(slots=True)
class _Case:
    """One request on its way."""

    request: LLMRequest
    time: CallTime
    """The same of all questions about one call."""
    account: Account = field(init=False)
    sent: LLMRequest | None = None
    """What the present provider sees: redacted when it is remote, with the repair turns."""
    originals: Mapping[str, str] = field(default_factory=dict)
    answer: LLMAnswer | None = None
    passed_over: list[str] = field(default_factory=list)
    error: Exception | None = None
    retryable: bool = False
    latency_s: float = 0.0
    services: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = Account(active_s=self.request.spent_s)

    def pass_over(self, name: str, error: Exception, asked: bool = True) -> None:
        self.passed_over.append(f"{name}: {described(error)}")
        if asked and not isinstance(error, CeilingReached | QuotaWait):
            self.services[name] = None if isinstance(error, InvalidReply) else described(error)
        self.error = error
        # A later run may succeed when at least one provider failed for a passing reason.
        self.retryable = self.retryable or isinstance(error, TransientError | StartupError | UnforeseenError)


class Router:
    """Asks the providers in order until one gives a valid answer. Thread-safe; one per run, it keeps the ceilings."""

    def __init__(
        self,
        providers: Sequence[LLMProvider],
        settings: LanguageModelSettings,
        redactor: TextRedactor | None = None,
        *,
        restore_redacted: bool = True,
        ledger: Path | None = None,
    ) -> None:
        """`ledger`: a file by which several processes of one run keep to one ceiling."""
        self._settings = settings
        self._redactor = redactor
        self._restore = restore_redacted
        self.ceiling = Ceiling(settings.max_cost_usd, settings.max_tokens, ledger)
        """Cost of the remote providers in this run, tokens sent to and received from them, and the limits on both."""
        serving = providers[:1] if settings.strict else providers
        self._guarded = [GuardedProvider(provider, settings, self.ceiling) for provider in serving]
        self._all = tuple(providers)
        self._said: set[tuple[str, str]] = set()
        self.extractive = not settings.strict and "extractive" in settings.providers
        """Whether callers may do without a model where `data` is None."""

    @property
    def models(self) -> tuple[str, ...]:
        """`provider/model` in order of preference: part of the fingerprint of what it answers."""
        return tuple(f"{provider.name}/{provider.model}" for provider in self._all)

    def complete(self, requests: Sequence[LLMRequest]) -> Sequence[LLMAnswer]:
        """One answer per request, in order. Raises nothing for a single request."""
        about = Counter(request.about for request in requests if request.about)
        times = {call: CallTime(asking=number) for call, number in about.items()}
        cases = [_Case(request, times.get(request.about) or CallTime()) for request in requests]
        for guarded in self._guarded:
            waiting = [case for case in cases if case.answer is None]
            if waiting:
                self._serve(guarded, waiting)
        return [case.answer or self._nobody(case) for case in cases]

    def close(self) -> None:
        """End the providers' processes and connections; idempotent."""
        for provider in self._all:
            provider.close()

    def _serve(self, guarded: GuardedProvider, cases: Sequence[_Case]) -> None:
        size = max(1, guarded.provider.batch_size)
        batches = [cases[start : start + size] for start in range(0, len(cases), size)]
        lanes = min(guarded.provider.concurrency, len(batches))
        if lanes <= 1:
            for batch in batches:
                self._serve_batch(guarded, batch)
            return
        with ThreadPoolExecutor(lanes, thread_name_prefix=guarded.provider.name) as pool:
            list(pool.map(lambda batch: self._serve_batch(guarded, batch, lanes), batches))

    def _serve_batch(self, guarded: GuardedProvider, cases: Sequence[_Case], lanes: int = 1) -> None:
        """`lanes`: how many batches are under way at once."""
        waiting = [case for case in cases if case.answer is None]
        ready = [case for case in waiting if self._prepare(guarded, case, _together(case, waiting))]
        if not ready:
            return
        started = time.monotonic()
        try:
            self._ask_until_valid(guarded, ready, started)
        except _UPSET as error:
            # Halves of one call's questions would have its time a second time.
            over = isinstance(error, StageTimeout) and all(case.time is ready[0].time for case in ready)
            if len(ready) > 1 and not over:
                self._serve_halves(guarded, ready, error)
                return
            self._pass_over(guarded, ready, error)
        except EarshotError as error:
            self._pass_over(guarded, ready, error)
        except Exception as error:  # the last defence: a fault in a client costs only these requests' answers
            log.exception("%s: unforeseen error", guarded.provider.name)
            self._pass_over(guarded, ready, error)
        took_s = time.monotonic() - started
        for case in ready:
            case.account.active_s += took_s / len(ready)
            case.time.take(guarded.provider.name, took_s / len(ready), lanes)

    def _serve_halves(self, guarded: GuardedProvider, cases: Sequence[_Case], error: Exception) -> None:
        """One request that upsets the model must not cost its neighbours their answers, nor their time."""
        log.warning("%s failed on a batch of %d, trying its halves: %s", guarded.provider.name, len(cases), error)
        half = len(cases) // 2
        self._serve_batch(guarded, cases[:half])
        self._serve_batch(guarded, cases[half:])

    def _prepare(self, guarded: GuardedProvider, case: _Case, together: int) -> bool:
        """`together`: how many questions of the batch are about the same call."""
        left, expected = self._left_s(case) / together, case.time.longest_s.get(guarded.provider.name, 0.0)
        if left <= 0 or left < expected:
            limit = self._settings.request_time_limit_s
            why = "is over" if left <= 0 else f"leaves {left:.0f} s, and one like it took {expected:.0f}"
            case.pass_over(
                guarded.provider.name,
                StageTimeout(f"not asked: llm.request_time_limit_s ({limit:g}) {why}"),
                asked=False,
            )
            return False
        case.sent, case.originals = case.request, {}
        if not guarded.provider.scores:
            case.sent = replace(case.request, choice=None)
        if guarded.provider.remote and self._redactor is not None:
            try:
                case.sent, case.originals = redact_request(case.sent, self._redactor)
            except Exception as error:  # noqa: BLE001 - whatever the redactor trips over, nothing is sent
                case.pass_over(guarded.provider.name, error, asked=False)
                return False
        return True

    def _left_s(self, case: _Case) -> float:
        """Of the time of the case's call, what is left."""
        return self._settings.request_time_limit_s - case.request.spent_s - case.time.used_s

    def _ask_until_valid(self, guarded: GuardedProvider, cases: Sequence[_Case], started: float) -> None:
        """Raises what the provider raised; cases that are answered by then keep their answers."""
        # Answered together they have their time together: the limit is one call's, however many are in a batch.
        deadline = started + sum(self._left_s(case) / _together(case, cases) for case in cases)
        waiting = list(cases)
        for repairs_left in range(self._settings.retry.repairs, -1, -1):
            sent = [case.sent or case.request for case in waiting]
            replies = guarded.ask(sent, [case.account for case in waiting], deadline)
            faulty = []
            for case, reply in zip(waiting, replies, strict=True):
                fault = self._take(guarded, case, reply, started, len(cases))
                if fault is None:
                    continue
                if repairs_left and reply.finish != "refused":
                    case.sent = _with_repair(case.sent or case.request, reply, fault)
                    faulty.append(case)
                else:
                    self._pass_over(guarded, [case], InvalidReply(f"invalid answer: {fault}"))
            waiting = faulty
            if not waiting:
                return

    def _take(self, guarded: GuardedProvider, case: _Case, reply: Reply, started: float, in_batch: int) -> str | None:
        """Accept the reply as the answer, or return what is wrong with it."""
        if reply.finish == "unread":
            limit = f"llm.request_time_limit_s ({self._settings.request_time_limit_s:g})"
            case.pass_over(guarded.provider.name, StageTimeout(f"not read: {limit} left no time for it"))
            return None
        data, fault = read_reply(reply, case.request.schema)
        if data is None:
            return fault or "no data"
        if self._restore:
            data = restore(data, case.originals)
        case.services[guarded.provider.name] = None
        before, took = case.account.active_s - case.request.spent_s, time.monotonic() - started
        case.answer = self._answer(
            case,
            data=data,
            provider=guarded.provider.name,
            model=guarded.provider.model,
            latency_s=before + took,
            share_s=before + took / in_batch,
            label_probabilities=reply.label_probabilities,
            cut=reply.finish == "landed",
        )
        return None

    def _answer(self, case: _Case, **values: Any) -> LLMAnswer:
        account = case.account
        return LLMAnswer(
            key=case.request.key,
            tokens_in=account.tokens_in,
            tokens_out=account.tokens_out,
            cost_usd=account.cost_usd,
            attempts=account.attempts,
            passed_over=tuple(case.passed_over),
            services=case.services,
            **values,
        )

    def _nobody(self, case: _Case) -> LLMAnswer:
        reason = "; ".join(case.passed_over) or "no language model is configured"
        return self._answer(
            case,
            data=None,
            reason=reason,
            error_type=type(case.error).__name__ if case.error else None,
            retryable=case.retryable,
            provider="extractive" if self.extractive else None,
            latency_s=case.account.active_s - case.request.spent_s,
            share_s=case.account.active_s - case.request.spent_s,
        )

    def _pass_over(self, guarded: GuardedProvider, cases: Sequence[_Case], error: Exception) -> None:
        waiting = [case for case in cases if case.answer is None]
        for case in waiting:
            case.pass_over(guarded.provider.name, error)
        kind = (guarded.provider.name, type(error).__name__)
        if waiting and kind not in self._said:
            self._said.add(kind)
            log.warning("%s is skipped (logged once, recorded with every row): %s", guarded.provider.name, error)


def _together(case: _Case, cases: Sequence[_Case]) -> int:
    """How many of them are about the case's call."""
    return sum(other.time is case.time for other in cases)


def _with_repair(sent: LLMRequest, reply: Reply, fault: str) -> LLMRequest:
    """The same request, followed by the reply and what is wrong with it."""
    shown = reply.text.strip()[:_SHOWN_REPLY_CHARS] or "(nothing)"
    complaint = (
        f"That answer cannot be used: {fault}. Answer again with one JSON object of the form that was asked for, "
        "and nothing else."
    )
    turns = (Message(role="assistant", text=shown), Message(role="user", text=complaint))
    return replace(sent, follow_up=sent.follow_up + turns)
