"""Step results, built the same way by every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from analysis.llm.provider import LLMAnswer
from pipeline.records import FALLBACK_MARK, StepResult, StepState


def done(
    step: str, fingerprint: str, payload: object, provider: str | None = None, reason: str | None = None
) -> StepResult:
    """A value made without a model."""
    return StepResult(
        step=step, fingerprint=fingerprint, state=StepState.DONE, payload=payload, reason=reason, provider=provider
    )


def missing(step: str, fingerprint: str, reason: str, provider: str | None = None) -> StepResult:
    """No value by nature."""
    return StepResult(
        step=step, fingerprint=fingerprint, state=StepState.MISSING, payload=None, reason=reason, provider=provider
    )


def failed(step: str, fingerprint: str, reason: str) -> StepResult:
    """No value because something broke; a later run fills it in."""
    return StepResult(step=step, fingerprint=fingerprint, state=StepState.FAILED, payload=None, reason=reason)


def paid(result: StepResult, *answers: LLMAnswer) -> StepResult:
    """The result with who answered last and what all the answers cost together."""
    last = answers[-1]
    passed_over = "; ".join(dict.fromkeys(why for answer in answers for why in answer.passed_over))
    reasons = [result.reason] if result.reason else []
    # Where nobody answered, the reason names everyone who was passed over already.
    if passed_over and result.state is not StepState.FAILED:
        reasons.append(f"passed over: {passed_over}")
    return replace(
        result,
        services=services_of(answers),
        provider=last.provider or result.provider,
        model=last.model,
        tokens_in=_sum([answer.tokens_in for answer in answers]),
        tokens_out=_sum([answer.tokens_out for answer in answers]),
        cost_usd=_sum([answer.cost_usd for answer in answers]),
        latency_s=_sum([answer.latency_s for answer in answers]),
        fingerprint=result.fingerprint + (FALLBACK_MARK if passed_over else ""),
        reason="; ".join(reasons) or None,
    )


def services_of(answers: Iterable[LLMAnswer]) -> dict[str, str | None]:
    """Who was asked in all of them; whoever answered once counts as answering."""
    together: dict[str, str | None] = {}
    for answer in answers:
        for name, why in answer.services.items():
            together[name] = None if why is None else together.get(name, why)
    return together


Number = TypeVar("Number", int, float)


def _sum(values: list[Number | None]) -> Number | None:
    """Sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known[1:], start=known[0]) if known else None


def as_fallback(result: StepResult, why: str | None, answers: Iterable[LLMAnswer]) -> StepResult:
    """A result made without a model because no model answered: kept, and made anew by the next run."""
    reasons = [reason for reason in (result.reason, f"made without a language model: {why}" if why else None) if reason]
    return replace(
        result,
        services=services_of(answers),
        fingerprint=result.fingerprint + FALLBACK_MARK,
        reason="; ".join(reasons) or None,
    )
