"""Step results, built the same way by every step."""

from __future__ import annotations

from pipeline.records import StepResult, StepState


def done(
    step: str, fingerprint: str, payload: object, provider: str | None = None, reason: str | None = None
) -> StepResult:
    """A value made without a model."""
    return StepResult(
        step=step, fingerprint=fingerprint, state=StepState.DONE, payload=payload, reason=reason, provider=provider
    )


def missing(step: str, fingerprint: str, reason: str, provider: str | None = None) -> StepResult:
    """No value, for a reason that lasts; not tried again for the same fingerprint."""
    return StepResult(
        step=step, fingerprint=fingerprint, state=StepState.MISSING, payload=None, reason=reason, provider=provider
    )


def failed(step: str, fingerprint: str, reason: str) -> StepResult:
    """No value because something broke; a later run fills it in."""
    return StepResult(step=step, fingerprint=fingerprint, state=StepState.FAILED, payload=None, reason=reason)
