"""Asking a language model about many calls at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from analysis.llm.provider import Completes, LLMAnswer, LLMRequest
from analysis.results import as_fallback, failed, paid
from pipeline.records import StepResult

Subject = TypeVar("Subject")


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
    """The result of a call for which no answer can be used: made without a model where that is configured, else failed.

    Args:
        result: step and fingerprint.
        answers: what was paid for, the last one last.
    """
    if router.extractive:
        return as_fallback(without_model(), reason, answers)
    return paid(failed(*result, reason or "no answer"), *answers)


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """An object that has all of these properties and no other."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def strings_schema(most: int, longest: int) -> dict[str, Any]:
    """At most `most` strings of at most `longest` characters."""
    return {"type": "array", "items": {"type": "string", "maxLength": longest}, "maxItems": most}
