"""What became of a claimed call: stored with the end of its claim, counted by the run that planned it. A leaf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.masking import excerpt
from pipeline.records import CallFailure, CallOutcome, CallStatus, SkippedFile, StepResult


class HandledAs(StrEnum):
    """What became of a claimed call."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    KEPT = "kept"
    """Left as it was: a better engine's rows are there."""
    LOST = "lost"
    """Nothing could be stored about it; the account of its run names it."""


@dataclass(frozen=True, slots=True)
class ServiceUse:
    """How a language model served."""

    asked: int = 0
    """Analysis steps of calls for which it was asked."""
    answered: int = 0
    reason: str | None = None
    """Why it last did not answer."""

    def and_then(self, later: ServiceUse) -> ServiceUse:
        return ServiceUse(self.asked + later.asked, self.answered + later.answered, later.reason or self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What became of a claimed call, for the account of the run that planned it."""

    handled_as: HandledAs
    status: CallStatus | None = None
    call_id: str | None = None
    detail: str | None = None
    """The flags of a finished call, separated by commas; what went wrong with another."""
    audio_s: float = 0.0
    """Length of the recording; 0 where it was not read."""
    speech_s: float = 0.0
    transcribed_by: str | None = None
    """The engine, where the transcript was made now."""
    services: Mapping[str, ServiceUse] = field(default_factory=dict)
    failure: CallFailure | None = None
    skipped: SkippedFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedClaim:
    """A call that another worker is done with."""

    claim_id: int
    call: Mapping[str, Any]
    """What was planned for it, as JSON values."""
    handled: Handled
    done_at: datetime
    """With time zone."""


def handled_call(outcome: CallOutcome, *, changed: bool = True) -> Handled:
    """Of a finished call; `changed`: whether its rows were written."""
    prepared, transcript = outcome.prepared, outcome.transcript
    made_now = transcript is not None and "recognise" in outcome.timings_s
    return Handled(
        handled_as=HandledAs.DONE if changed else HandledAs.KEPT,
        status=outcome.status,
        call_id=outcome.call_id,
        detail=", ".join(sorted(prepared.flags)) or None if prepared else None,
        audio_s=prepared.duration_s if prepared and changed else 0.0,
        speech_s=sum(channel.speech_s for channel in prepared.channels) if prepared and changed else 0.0,
        transcribed_by=transcript.identity.engine if transcript and made_now else None,
        services=services_of(outcome.steps),
    )


def handled_failure(failure: CallFailure, *, quarantined: bool) -> Handled:
    return Handled(
        handled_as=HandledAs.FAILED,
        status=CallStatus.QUARANTINED if quarantined else CallStatus.FAILED,
        detail=f"{failure.error_type}: {failure.message}",
        failure=replace(failure, claim=None),
    )


def handled_skipped(skipped: SkippedFile) -> Handled:
    return Handled(handled_as=HandledAs.SKIPPED, status=CallStatus.SKIPPED, skipped=skipped)


def services_of(results: Sequence[StepResult]) -> dict[str, ServiceUse]:
    """Who was asked for these results, and who answered."""
    used: dict[str, ServiceUse] = {}
    for name, why in (item for result in results for item in result.services.items()):
        once = ServiceUse(1, int(why is None), excerpt(why) if why else None)
        used[name] = used.get(name, ServiceUse()).and_then(once)
    return used


def joined(used: Mapping[str, ServiceUse], later: Mapping[str, ServiceUse]) -> dict[str, ServiceUse]:
    """Both together, by name."""
    return {**used, **{name: used.get(name, ServiceUse()).and_then(use) for name, use in later.items()}}
