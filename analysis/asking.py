"""Asking a language model about many calls at once, and what its answers cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from analysis.llm.provider import Completes, LLMAnswer, LLMRequest
from analysis.results import failed
from pipeline.records import FALLBACK_MARK, StepResult, StepState

Subject = TypeVar("Subject")
Number = TypeVar("Number", int, float)


def ask_about(
    router: Completes, subjects: Sequence[Subject], request: Callable[[Subject, str], LLMRequest]
) -> list[LLMAnswer]:
    """One request for each subject, all in one go, so that a local model decodes them together.

    Args:
        request: subject and key -> what is asked of it.
    """
    return list(router.complete([request(subject, str(number)) for number, subject in enumerate(subjects)]))


def unanswered(
    router: Completes,
    result: tuple[str, str],
    reason: str | None,
    answers: Sequence[LLMAnswer],
    without_model: Callable[[], StepResult],
) -> StepResult:
    """The result of a call without a usable answer: made without a model where that is configured, else failed.

    Args:
        result: step and fingerprint.
        answers: every answer paid for, the latest last.
    """
    if router.extractive:
        return as_fallback(without_model(), reason, answers)
    return paid(failed(*result, reason or "no answer"), *answers)


def paid(result: StepResult, *answers: LLMAnswer) -> StepResult:
    """The result, with the provider that answered last and the total cost of all answers."""
    last = answers[-1]
    passed_over = "; ".join(dict.fromkeys(why for answer in answers for why in answer.passed_over))
    reasons = [result.reason] if result.reason else []
    # Where no provider answered, the reason already names every provider that was skipped.
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


def also_paid(result: StepResult, other: StepResult) -> StepResult:
    """The result, with what the other one cost as well."""
    return replace(
        result,
        services={**other.services, **result.services},
        tokens_in=_sum([result.tokens_in, other.tokens_in]),
        tokens_out=_sum([result.tokens_out, other.tokens_out]),
        cost_usd=_sum([result.cost_usd, other.cost_usd]),
        latency_s=_sum([result.latency_s, other.latency_s]),
    )


def services_of(answers: Iterable[LLMAnswer]) -> dict[str, str | None]:
    """Every provider asked for any of these answers; one that answered once counts as answering."""
    together: dict[str, str | None] = {}
    for answer in answers:
        for name, why in answer.services.items():
            together[name] = None if why is None else together.get(name, why)
    return together


def _sum(values: list[Number | None]) -> Number | None:
    """Sum of the known values; None when none is known."""
    known = [value for value in values if value is not None]
    return sum(known[1:], start=known[0]) if known else None


def as_fallback(result: StepResult, why: str | None, answers: Iterable[LLMAnswer]) -> StepResult:
    """A result made without a model because no model answered: it is kept, and the next run makes it again."""
    reasons = [reason for reason in (result.reason, f"made without a language model: {why}" if why else None) if reason]
    return replace(
        result,
        services=services_of(answers),
        fingerprint=result.fingerprint + FALLBACK_MARK,
        reason="; ".join(reasons) or None,
    )


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has all of these properties and no other."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def strings_schema(most: int, longest: int) -> dict[str, Any]:
    """At most `most` strings of at most `longest` characters."""
    return {"type": "array", "items": {"type": "string", "maxLength": longest}, "maxItems": most}
